"""Taking a case to work on it, keeping it, giving it back; the next one."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from cases.errors import CaseClosed, CaseTaken, NeedsSecondPerson
from cases.models import Case, CaseEvent
from cases.selectors import next_up
from cases.services.change import change, check_workable, locked
from common.transactions import retried

CLAIMED_FOR = timedelta(minutes=15)
TRIED_AT_ONCE = 10  # of those that others take while we try, more than may press "next" at once


@retried
def claim_case(*, case_id: int, by_id: int) -> Case:
    """Have it for 15 minutes. One's own assignment stays one.

    Raises CaseClosed, CaseTaken or NeedsSecondPerson.
    """
    now = timezone.now()
    case = locked(case_id)
    check_workable(case, by_id=by_id, now=now)
    if case.owner_id == by_id and case.is_claimed_at(now):
        _extend(case, now)
        return case
    claim = {"owner_id": by_id, "claimed_until": now + CLAIMED_FOR, "snoozed_until": None}
    change([case], verb=CaseEvent.Verb.CLAIMED, by_id=by_id, columns=claim)
    return case


def claim_next(*, by_id: int, after_id: int | None = None) -> Case | None:
    """Claim the highest-ranked case that is free or assigned to them; None when nothing is left.

    `after_id` is the case they come from: their own that rank above it were passed over.

    Who looks at the same moment sees the same list: the lock decides, and the other takes the next.
    """
    while candidates := _candidates(by_id, after_id):
        for case_id in candidates:
            try:
                return claim_case(case_id=case_id, by_id=by_id)
            except (CaseClosed, CaseTaken, NeedsSecondPerson):
                continue
    return None


def _candidates(by_id: int, after_id: int | None) -> list[int]:
    found = next_up(by_id=by_id, now=timezone.now(), after_id=after_id)
    return list(found.values_list("pk", flat=True)[:TRIED_AT_ONCE])


def keep_claim(*, case: Case, by_id: int) -> None:
    """Who works on a claimed case, keeps it for another 15 minutes; a claim that ran out is gone."""
    now = timezone.now()
    if case.owner_id == by_id and case.is_claimed_at(now):
        _extend(case, now)


def _extend(case: Case, now: datetime) -> None:
    theirs = Case.objects.filter(pk=case.pk, owner_id=case.owner_id, claimed_until__gt=now)
    if theirs.update(claimed_until=now + CLAIMED_FOR):
        case.claimed_until = now + CLAIMED_FOR


@retried
def release_case(*, case_id: int, by_id: int) -> Case:
    """Give it back to the queue. Raises CaseClosed, CaseTaken or NeedsSecondPerson."""
    case = locked(case_id)
    check_workable(case, by_id=by_id, now=timezone.now())
    free = {"owner_id": None, "claimed_until": None}
    change([case], verb=CaseEvent.Verb.RELEASED, by_id=by_id, columns=free)
    return case
