"""Money between two of our accounts with a provider: a line on each one's statement, maybe by two
receipts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from payments.days.batches import some
from payments.days.tills import DISBURSEMENT, Till
from payments.models import StatementLine

AT_ONCE = 100  # lines that one query looks for
WITHIN = timedelta(days=3)  # a provider moves it at once, and may write it down later
BANK_KINDS = (StatementLine.Kind.SETTLEMENT, StatementLine.Kind.TOP_UP)


class Half(NamedTuple):
    """A line, by what its sibling is known; `amount` is signed, TZS."""

    id: int
    receipt: str
    linked_receipt: str
    amount: int
    completed_at: datetime

    @property
    def names(self) -> set[str]:
        return {self.receipt, self.linked_receipt} - {""}

    def is_sibling_of(self, other: Half) -> bool:
        """Whether it moved the same the other way, and a receipt names both."""
        return (
            self.amount == -other.amount
            and abs(self.completed_at - other.completed_at) <= WITHIN
            and bool(self.names & other.names)
        )


def siblings_of(till: Till, lines: QuerySet[StatementLine]) -> dict[int, str]:
    """The receipt by which the provider's other kind of account tells of it, by each line's id."""
    if not till.disbursing:
        return {}
    found: dict[int, str] = {}
    for halves in some(_halves(lines), AT_ONCE):
        others = list(_halves(till.other.lines().filter(_like(halves))))
        for half in halves:
            receipts = [other.receipt for other in others if other.is_sibling_of(half)]
            if receipts:
                found[half.id] = receipts[0]
    return found


def movement_names(till: Till, receipts: Iterable[str]) -> dict[str, str]:
    """Receipts of the account that only disburses, with those that the collection has for the same.

    A movement goes by the collection's receipt, on whichever statement it stands.
    """
    own = till if till.kind == DISBURSEMENT else till.other
    found: dict[str, str] = {}
    for wanted in some(receipts) if till.disbursing else ():
        disbursed = own.lines().filter(receipt__in=wanted, kind__in=BANK_KINDS)
        names = siblings_of(own, disbursed)
        rows = disbursed.filter(pk__in=names).order_by("-pk").values_list("receipt", "pk")
        found.update((receipt, names[key]) for receipt, key in rows)
    return found


def _halves(lines: QuerySet[StatementLine]) -> Iterator[Half]:
    moved = lines.filter(moves_money=True, currency="TZS").order_by("pk")
    return (Half(*row) for row in moved.values_list(*Half._fields))


def _like(halves: Iterable[Half]) -> Q:
    """What may be a sibling, found by its time, of which there is an index."""
    found = Q()
    for half in halves:
        near = (half.completed_at - WITHIN, half.completed_at + WITHIN)
        found |= Q(amount=-half.amount, completed_at__range=near)
    return found
