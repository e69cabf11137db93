"""Snoozing a case, giving it to somebody, noting what was found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cases.errors import NotAWorker, NoteTooLong, NotLater
from cases.models import Case, CaseEvent
from cases.selectors import workers
from cases.services.change import change, check_workable, locked
from cases.services.claim import CLAIMED_FOR
from common.transactions import retried

ASLEEP_AT_MOST = timedelta(days=30)
NOTE_MAX = 1000  # characters


@retried
def snooze_case(*, case_id: int, until: datetime, why: str, by_id: int) -> Case:
    """Take it out of the queue until then. A claim ends; who was assigned keeps it.

    Raises NotLater, CaseClosed, CaseTaken or NeedsSecondPerson.
    """
    now = timezone.now()
    check_later(until, now)
    case = locked(case_id)
    check_workable(case, by_id=by_id, now=now)
    asleep: dict[str, Any] = {"snoozed_until": until}
    if case.claimed_until is not None:
        asleep |= {"owner_id": None, "claimed_until": None}
    change([case], verb=CaseEvent.Verb.SNOOZED, by_id=by_id, why=told(why, until), columns=asleep)
    return case


@retried
def assign_case(*, case_id: int, to_id: int, why: str, by_id: int) -> Case:
    """Give it to somebody for good. What was assigned before may be given to another.

    Raises NotAWorker, CaseClosed, CaseTaken or NeedsSecondPerson.
    """
    worker = check_worker(to_id)
    case = locked(case_id)
    was_assigned = case.owner_id is not None and case.claimed_until is None
    may_pass = case.owner_id if was_assigned else by_id
    check_workable(case, by_id=may_pass or by_id, now=timezone.now())
    change(
        [case],
        verb=CaseEvent.Verb.ASSIGNED,
        by_id=by_id,
        why=f"To {worker}. {why}",
        columns={"owner_id": to_id, "claimed_until": None, "snoozed_until": None},
    )
    return case


@retried
def note(*, case_id: int, text: str, by_id: int) -> bool:
    """Keep what somebody has found. Anybody may, at any time; whoever has claimed it works on it.

    Their latest words once more are the same note, sent twice: False. Raises NoteTooLong.
    """
    if len(text) > NOTE_MAX:
        raise NoteTooLong(f"A note has {NOTE_MAX:,} characters at most.")
    case = locked(case_id)
    last = case.events.order_by("-pk").first()
    if last and (last.verb, last.by_id, last.why) == (CaseEvent.Verb.NOTED, by_id, text):
        return False
    now = timezone.now()
    is_theirs = case.owner_id == by_id and case.is_claimed_at(now) and case.claimed_until
    kept = {"claimed_until": now + CLAIMED_FOR} if is_theirs else None
    change([case], verb=CaseEvent.Verb.NOTED, by_id=by_id, why=text, columns=kept)
    return True


def check_later(until: datetime | None, now: datetime) -> datetime:
    """When to wake. Raises NotLater for what is no moment to come, or so far that it is forgotten."""
    if until is None or until <= now:
        raise NotLater("Snooze it to a moment that is still to come.")
    if until > now + ASLEEP_AT_MOST:
        raise NotLater(
            f"A case sleeps for {ASLEEP_AT_MOST.days} days at most: choose a nearer day."
        )
    return until


def check_worker(person_id: int | None) -> Any:
    """Who is to have cases. Raises NotAWorker for somebody who may not work on them."""
    worker = workers().filter(pk=person_id).first()
    if worker is None:
        raise NotAWorker("That person may not work on cases.")
    return worker


def told(why: str, until: datetime) -> str:
    return f"Until {timezone.localtime(until):%d.%m.%Y %H:%M}. {why}"
