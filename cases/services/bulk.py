"""One verb upon many cases, with a preview before and an undo after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cases.errors import CaseClosed, TooMany
from cases.models import Bulk, Case, CaseEvent, CaseRules
from cases.services.change import CHANGED, change, obstacle, waits_for_second
from cases.services.put_off import check_later, check_worker, told
from common.transactions import retried

AT_MOST = 500

EVENTS = {
    Bulk.Verb.RESOLVE: CaseEvent.Verb.RESOLVED,
    Bulk.Verb.SNOOZE: CaseEvent.Verb.SNOOZED,
    Bulk.Verb.ASSIGN: CaseEvent.Verb.ASSIGNED,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """The cases that a verb would change, and those that it leaves out, each with the reason."""

    taken: Sequence[Case]
    left: Sequence[tuple[Case, str]]

    @property
    def amount(self) -> int:
        return sum(case.amount for case in self.taken)


def preview(*, verb: Bulk.Verb, case_ids: Iterable[int], by_id: int) -> Selection:
    """What `act_on_many` would do now. Raises TooMany."""
    return _sort_out(Case.objects.all(), verb, _wanted(case_ids), by_id)


def act_on_many(
    *,
    key: str,
    verb: Bulk.Verb,
    case_ids: Iterable[int],
    why: str,
    by_id: int,
    until: datetime | None = None,
    to_id: int | None = None,
) -> Bulk:
    """Do it to all that the preview takes, in one transaction; the same key again does nothing.

    `until` is for snoozing, `to_id` for assigning. Raises TooMany, NotLater, NotAWorker, or CaseClosed
    when no case is left to change.
    """
    ids = _wanted(case_ids)
    try:
        return _act(key, verb, ids, why, by_id, until, to_id)
    except (IntegrityError, CaseClosed):
        # Of two sendings the slower finds the key taken, or no case left to change.
        if done := Bulk.objects.filter(key=key).first():
            return done
        raise


@retried
def _act(
    key: str,
    verb: Bulk.Verb,
    ids: Sequence[int],
    why: str,
    by_id: int,
    until: datetime | None,
    to_id: int | None,
) -> Bulk:
    if done := Bulk.objects.filter(key=key).first():
        return done
    columns, sentence = _columns(verb, why, by_id, until, to_id)
    selection = _sort_out(Case.objects.select_for_update(), verb, ids, by_id)
    if not selection.taken:
        raise CaseClosed("None of these cases can be changed any more.")
    bulk = Bulk.objects.create(
        key=key,
        verb=verb,
        by_id=by_id,
        why=why,
        cases=len(selection.taken),
        amount=selection.amount,
    )
    change(
        selection.taken, verb=EVENTS[verb], by_id=by_id, why=sentence, bulk=bulk, columns=columns
    )
    return bulk


@retried
def undo(*, bulk_id: int, by_id: int) -> tuple[int, int]:
    """Put the cases back as they were; how many were, and how many somebody has touched since.

    What was asked anew in another open case stays as it is, like what was touched. Raises CaseClosed
    when it is undone already.
    """
    bulk = Bulk.objects.select_for_update().get(pk=bulk_id)
    if bulk.undone_at is not None:
        raise CaseClosed("This was undone already.")
    list(Case.objects.select_for_update().filter(events__bulk=bulk).order_by("pk"))
    events = list(_untouched(bulk).select_related("case"))
    cases = [event.case for event in events]
    change(cases, verb=CaseEvent.Verb.UNDONE, by_id=by_id, why=bulk.why)
    for event in events:
        _restore(event)
    try:
        with transaction.atomic():  # a savepoint: the constraint's answer must not spoil the rest
            Case.objects.bulk_update(cases, CHANGED)
    except IntegrityError as error:  # opened anew after we looked
        raise CaseClosed("Some of it has just changed: press again.") from error
    bulk.undone_at, bulk.undone_by_id = timezone.now(), by_id
    bulk.save(update_fields=["undone_at", "undone_by"])
    return len(cases), bulk.cases - len(cases)


def _wanted(case_ids: Iterable[int]) -> list[int]:
    ids = sorted(set(case_ids))
    if len(ids) > AT_MOST:
        raise TooMany(f"{len(ids):,} cases are chosen; {AT_MOST:,} at most can be changed at once.")
    return ids


def _sort_out(cases: QuerySet[Case], verb: Bulk.Verb, ids: Sequence[int], by_id: int) -> Selection:
    now, limit = timezone.now(), CaseRules.current().four_eyes_above
    taken, left = [], []
    for case in cases.filter(pk__in=ids).prefetch_related("owner", "proposed_by").order_by("pk"):
        if reason := _reason_to_leave(case, verb, by_id, now, limit):
            left.append((case, reason))
        else:
            taken.append(case)
    return Selection(taken, left)


def _reason_to_leave(case: Case, verb: Bulk.Verb, by_id: int, now: datetime, limit: int) -> str:
    if refusal := obstacle(case, by_id=by_id, now=now):
        return str(refusal)
    if case.proposal:
        return waits_for_second(case)
    if verb == Bulk.Verb.RESOLVE and case.amount > limit:
        return f"Above {limit:,} TZS a second person is needed: resolve it on its own page."
    return ""


def _columns(
    verb: Bulk.Verb, why: str, by_id: int, until: datetime | None, to_id: int | None
) -> tuple[dict[str, Any], str]:
    """The cases' new values, and what their events say."""
    now = timezone.now()
    if verb == Bulk.Verb.SNOOZE:
        later = check_later(until, now)
        return {"snoozed_until": later}, told(why, later)
    if verb == Bulk.Verb.ASSIGN:
        worker = check_worker(to_id)
        columns = {"owner_id": worker.pk, "claimed_until": None, "snoozed_until": None}
        return columns, f"To {worker}. {why}"
    resolved = {"state": Case.State.RESOLVED, "resolution": why, "resolved_at": now}
    return {**resolved, "owner_id": by_id, "claimed_until": None, "snoozed_until": None}, why


def _untouched(bulk: Bulk) -> QuerySet[CaseEvent]:
    """The bulk's events that are their cases' latest, and whose question is not open elsewhere."""
    later = CaseEvent.objects.filter(case=OuterRef("case"), pk__gt=OuterRef("pk"))
    asked_anew = Case.objects.filter(
        kind=OuterRef("case__kind"), open_subject=OuterRef("case__subject")
    ).exclude(pk=OuterRef("case"))
    return bulk.events.exclude(Exists(later)).exclude(Exists(asked_anew))


def _restore(event: CaseEvent) -> None:
    """Give the case its former values, of which JSON has kept the times as text."""
    before: dict[str, Any] = event.before or {}
    for name, value in before.items():
        column: Any = Case._meta.get_field(name)
        setattr(event.case, name, column.to_python(value))
