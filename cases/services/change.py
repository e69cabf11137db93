"""The one way in which staff change cases: locked, recorded with what was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from cases.errors import CaseClosed, CaseTaken, NeedsSecondPerson
from cases.models import Bulk, Case, CaseEvent

# What verbs change, and undoing puts back.
CHANGED = (
    "state",
    "owner_id",
    "claimed_until",
    "snoozed_until",
    "resolved_at",
    "resolution",
    "proposed_by_id",
    "proposal",
)


def locked(case_id: int) -> Case:
    """The case, which nobody else changes until the transaction ends."""
    return Case.objects.select_for_update().get(pk=case_id)


def change(
    cases: Iterable[Case],
    *,
    verb: CaseEvent.Verb,
    by_id: int,
    why: str = "",
    bulk: Bulk | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Give locked cases the same new values, and each an event."""
    changed = list(cases)
    events = [
        CaseEvent(
            case=case,
            verb=verb,
            by_id=by_id,
            why=why,
            bulk=bulk,
            before={name: getattr(case, name) for name in CHANGED},
        )
        for case in changed
    ]
    if columns:
        Case.objects.filter(pk__in=[case.pk for case in changed]).update(**columns)
        for case in changed:
            for name, value in columns.items():
                setattr(case, name, value)
    CaseEvent.objects.bulk_create(events)


def obstacle(case: Case, *, by_id: int, now: datetime) -> CaseClosed | CaseTaken | None:
    """Why somebody may not work on a case now; None where they may."""
    if case.state != Case.State.OPEN:
        return CaseClosed("This case is resolved already.")
    if not case.is_claimed_at(now) or case.owner_id == by_id:
        return None
    if case.claimed_until is None:
        return CaseTaken(f"{case.owner} has this case: it was assigned.")
    until = f"{timezone.localtime(case.claimed_until):%H:%M}"
    return CaseTaken(f"{case.owner} works on this case until {until}.")


def check_workable(case: Case, *, by_id: int, now: datetime) -> None:
    """Raises CaseClosed, CaseTaken or NeedsSecondPerson."""
    if refusal := obstacle(case, by_id=by_id, now=now):
        raise refusal
    if case.proposal:
        raise NeedsSecondPerson(waits_for_second(case))


def waits_for_second(case: Case) -> str:
    return f"{case.proposed_by} has proposed how to resolve it; a second person decides."
