"""Opens a closed day again: asked for by one person, decided by another, both kept."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from accounts.models import User
from cases.models import CaseKind
from cases.services import resolve_by_itself
from common.transactions import retried
from payments.days.tills import Till
from payments.errors import DayNotReady, NotDecidable
from payments.models import DayClose, Reopening
from payments.services.close_day import day_row
from payments.services.day_lock import lock_days


@retried
def ask_to_reopen(*, till: Till, day: date, by: User, why: str) -> Reopening:
    """Ask for it; asked twice, it is asked once. Raises DayNotReady for a day that is not closed."""
    lock_days(till.provider)
    row = day_row(till, day)
    if row.state != DayClose.State.CLOSED:
        raise DayNotReady("Only a closed day can be opened again.")
    if asked := row.reopenings.filter(state=Reopening.State.ASKED).first():
        return asked
    return Reopening.objects.create(day_close=row, why=why[:255], asked_by=by)


@retried
def decide_reopening(*, reopening_id: int, by: User, why: str, is_approved: bool) -> list[DayClose]:
    """Decide what somebody else has asked for; gives the days that are open again.

    The days after it began with its balances: they are opened with it. Certificates are kept. Raises
    NotDecidable.
    """
    asked = Reopening.objects.filter(pk=reopening_id)
    lock_days(asked.values_list("day_close__provider", flat=True).get())
    reopening = asked.select_related("day_close").get()
    if reopening.state != Reopening.State.ASKED:
        raise NotDecidable("It was decided before.")
    if reopening.asked_by_id == by.pk:
        raise NotDecidable("A second person has to decide: you have asked for it.")
    reopening.state = Reopening.State.APPROVED if is_approved else Reopening.State.REJECTED
    reopening.decided_by, reopening.decided_at = by, timezone.now()
    reopening.decided_why = why[:255]
    reopening.save()
    return _reopen(reopening.day_close) if is_approved else []


def _reopen(row: DayClose) -> list[DayClose]:
    rows = list(
        DayClose.objects.filter(
            provider=row.provider,
            kind=row.kind,
            day__gte=row.day,
            state=DayClose.State.CLOSED,
        ).order_by("day")
    )
    for each in rows:
        each.state, each.changed_at = DayClose.State.OPEN, None
        each.save(update_fields=["state", "changed_at"])
        resolve_by_itself(
            kind=CaseKind.DAY_CHANGED, subject=each.subject, resolution="the day is open again"
        )
    return rows
