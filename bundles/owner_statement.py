"""An owner's account over some days, line by line as the ledger has it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from bundles.services.earn import earned_account, held_account
from common.clock import day_bounds
from common.phone import mask_within
from payments.models import Entry, Posting

# What a posting's source begins with → what the owner reads.
WORDS = {
    "sale": gettext_noop("Sold"),
    "delivered": gettext_noop("Delivered: now payable"),
    "transfer-started": gettext_noop("Paid out, or sent back to a customer"),
    "transfer-undone": gettext_noop("Not sent: back on the account"),
    "reversal": gettext_noop("Taken back by the provider"),
}
OTHER = gettext_noop("Corrected")
DAYS_MAX = 366
NO_PERIOD = gettext_noop("Choose up to a year, from its first day to its last.")
HEADER = (
    gettext_noop("Time"),
    gettext_noop("What"),
    gettext_noop("Bundle or reference"),
    gettext_noop("Held, TZS"),
    gettext_noop("Payable, TZS"),
    gettext_noop("Balance, TZS"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One posting's change of what is held and what is payable, and the balance of both after it."""

    at: datetime
    what: str
    memo: str
    held: int
    payable: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """From the beginning of the first day to the end of the last, in Dar es Salaam; TZS."""

    first: date
    last: date
    opening: int
    lines: tuple[Line, ...]

    @property
    def rows(self) -> Iterator[tuple[datetime, str, str, int, int, int]]:
        """As the file of `header` has them."""
        return ((x.at, x.what, x.memo, x.held, x.payable, x.balance) for x in self.lines)

    @property
    def closing(self) -> int:
        return self.lines[-1].balance if self.lines else self.opening


def header() -> tuple[str, ...]:
    """The file's first row, in the reader's language."""
    return tuple(_(word) for word in HEADER)


def is_period(first: date, last: date) -> bool:
    """Whether a statement is made of these days, both included."""
    return 0 <= (last - first).days < DAYS_MAX and 2000 <= first.year < 2200


def statement_of(owner_id: int, first: date, last: date) -> Statement:
    """The owner's statement: opening balance, every line, and so the closing balance."""
    begins, ends = day_bounds(first)[0], day_bounds(last)[1]
    held, payable = held_account(owner_id), earned_account(owner_id)
    entries = Entry.objects.filter(account__in=(held, payable))
    before = entries.filter(posting__posted_at__lt=begins).aggregate(total=Sum("amount"))
    opening = -(before["total"] or 0)
    changed = (
        Posting.objects.filter(
            entries__account__in=(held, payable), posted_at__gte=begins, posted_at__lt=ends
        )
        .annotate(
            held=Sum("entries__amount", filter=Q(entries__account=held), default=0),
            payable=Sum("entries__amount", filter=Q(entries__account=payable), default=0),
        )
        .order_by("posted_at", "id")
        .values_list("posted_at", "source", "memo", "held", "payable")
    )
    return Statement(first, last, opening, tuple(_lines(opening, changed)))


def _lines(balance: int, changed: Iterable[tuple[datetime, str, str, int, int]]) -> Iterator[Line]:
    for at, source, memo, held, payable in changed:
        balance -= held + payable
        what = _(WORDS.get(source.partition(":")[0], OTHER))
        why = _(memo) if memo else ""  # a bundle's name and what staff wrote stay as they are
        yield Line(at, what, mask_within(why), -held, -payable, balance)
