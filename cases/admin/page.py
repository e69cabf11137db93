"""What a case's page tells. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from cases.models import Case, CaseEvent, CaseRules
from cases.ranking import age_class, tone
from cases.selectors import neighbours
from cases.services.change import obstacle
from cases.subjects import Subject, subject_of
from common.moments import Moment

GOOD = {CaseEvent.Verb.RESOLVED: "good", CaseEvent.Verb.REFUSED: "bad"}


@dataclass(frozen=True, slots=True)
class CasePage:
    """`above` and `below` are its neighbours by rank; `standing` says who has it, or what holds it."""

    case: Case
    detail: str
    subject: Subject
    age: str
    tone: str
    standing: str
    is_theirs: bool
    can_work: bool
    needs_second: bool
    limit: int
    above: Case | None
    below: Case | None
    moments: list[Moment]


def page_of(case: Case, *, by_id: int, shown: Callable[[str], str]) -> CasePage:
    """`shown` gives a text as the reader may have it."""
    now = timezone.now()
    above, below = neighbours(case, now)
    limit = CaseRules.current().four_eyes_above
    is_open = case.state == Case.State.OPEN
    return CasePage(
        case=case,
        detail=shown(case.detail),
        subject=subject_of(case.subject),
        age=age_class(case, now).name,
        tone=tone(case, now),
        standing=_standing(case, by_id),
        is_theirs=is_open and case.owner_id == by_id and case.is_claimed_at(now),
        can_work=obstacle(case, by_id=by_id, now=now) is None and not case.proposal,
        needs_second=is_open and case.amount > limit,
        limit=limit,
        above=above,
        below=below,
        moments=list(_moments(case, shown)),
    )


def _standing(case: Case, by_id: int) -> str:
    now = timezone.now()
    if case.state == Case.State.RESOLVED:
        return f"Resolved: {case.resolution}"
    if case.proposal:
        return f"{case.proposed_by} proposes to resolve it: {case.proposal}"
    if refusal := obstacle(case, by_id=by_id, now=now):
        return str(refusal)
    if case.snoozed_until and now < case.snoozed_until:
        return f"Snoozed until {timezone.localtime(case.snoozed_until):%d.%m.%Y %H:%M}."
    if not case.is_claimed_at(now):
        return "Nobody works on this case."
    if case.claimed_until is None:
        return "You have this case: it was assigned to you."
    return f"You have this case until {timezone.localtime(case.claimed_until):%H:%M}."


def _moments(case: Case, shown: Callable[[str], str]) -> Iterator[Moment]:
    """The newest first."""
    for event in case.events.select_related("by", "bulk").order_by("-pk"):
        many = f" with {event.bulk.cases - 1:,} others" if event.bulk else ""
        yield Moment(
            at=event.at,
            kind="case",
            title=f"{event.get_verb_display()}{many} by {event.by or 'the system'}",
            detail=event.why,
            tone=GOOD.get(CaseEvent.Verb(event.verb), ""),
        )
    yield Moment(
        at=case.opened_at, kind="case", title="Opened", detail=shown(case.detail), tone="bad"
    )
