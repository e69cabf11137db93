"""Closes a business day of one kind of account: books, proves, certifies, locks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from accounts.models import User
from cases.models import CaseKind
from cases.services import open_case
from common.transactions import retried
from payments.days.calendar import standing_of
from payments.days.differences import Difference, with_cases
from payments.days.figures import Figures, figures_of
from payments.days.hashes import hash_of
from payments.days.tills import Till
from payments.errors import DayNotReady
from payments.models import Certificate, DayClose
from payments.services.book_statement import book_statement
from payments.services.day_lock import lock_days

CASE_OF = {
    "no_line": CaseKind.ORDER_NO_MONEY,
    "not_booked": CaseKind.PAID_NO_ORDER,
    "amount": CaseKind.AMOUNT_DIFFERS,
    "bank": CaseKind.UNPLACED_MONEY,
}


@retried
def close_day(*, till: Till, day: date, by: User, note: str = "") -> Certificate:
    """Close the day and give its certificate; one that is closed gives the one it has.

    `note` explains breaks of the balance and what no difference explains, where there are any. Open
    differences do not keep a day open: they are certified, each with its case. Raises DayNotReady.
    """
    lock_days(till.provider)
    row = day_row(till, day)
    if row.state == DayClose.State.CLOSED:
        return row.certificates.latest("version")
    _refuse_gaps(till, day)
    _refuse_what_is_missing(till, day)
    version = row.certificates.count() + 1
    book_statement(till, day, version=version)
    figures = figures_of(till, day)
    if (figures.breaks or figures.unexplained) and not note:
        raise DayNotReady(
            "The balance does not follow, or is not explained: say why in the remark."
        )
    _refuse_what_is_missing(till, day)  # a file may have come in while its lines were added up
    for difference in figures.differences:
        _open_case(difference)
    certificate = _certify(row, version, _with_cases(figures), by=by, note=note)
    row.state, row.changed_at = DayClose.State.CLOSED, None
    row.save(update_fields=["state", "changed_at"])
    return certificate


def day_row(till: Till, day: date) -> DayClose:
    """The day's row. The caller holds the lock on the provider's days."""
    row, _ = DayClose.objects.get_or_create(provider=till.provider, kind=till.kind, day=day)
    return row


def _refuse_what_is_missing(till: Till, day: date) -> None:
    if missing := standing_of(till, day).missing:
        raise DayNotReady(" ".join(missing))


def _refuse_gaps(till: Till, day: date) -> None:
    """Each day begins with what the one before it was closed with."""
    closed = DayClose.objects.filter(
        provider=till.provider, kind=till.kind, state=DayClose.State.CLOSED
    )
    last = closed.first()
    if last is None:
        return
    if last.day > day:
        raise DayNotReady(f"{last.day:%d.%m.%Y} is closed, which is after it.")
    if (day - last.day).days > 1:
        raise DayNotReady(f"Close the days after {last.day:%d.%m.%Y} first, in their order.")


def _open_case(difference: Difference) -> None:
    """What only one side has is looked into; who matches statements may have opened its case."""
    kind = CASE_OF.get(difference.why)
    if kind is None or not difference.subject or difference.case:
        return
    if difference.why == "no_line" and difference.subject.startswith("transfer:"):
        kind = CaseKind.TRANSFER_NO_LINE
    open_case(
        kind=kind,
        subject=difference.subject,
        amount=abs(difference.amount),
        detail=f"{difference.what}: open when its day was closed",
    )


def _with_cases(figures: Figures) -> dict[str, Any]:
    told = figures.as_json()
    told["differences"] = [each.as_json() for each in with_cases(figures.differences)]
    return told


def _certify(
    row: DayClose, version: int, figures: dict[str, Any], *, by: User, note: str
) -> Certificate:
    before = (
        Certificate.objects.filter(day_close__provider=row.provider, day_close__kind=row.kind)
        .values_list("hash", flat=True)
        .first()
    )
    certificate = Certificate(
        day_close=row,
        version=version,
        figures=figures,
        note=note[:255],
        lines_hash=figures["lines_hash"],
        previous_hash=before or "",
        closed_by=by,
        closed_at=timezone.now(),
    )
    certificate.hash = hash_of(certificate)
    certificate.save()
    return certificate
