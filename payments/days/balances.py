"""What the statements say that lay on an account before and after a day's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Link(NamedTuple):
    """A line that names the balance after it, TZS."""

    at: datetime
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Balances:
    """TZS before and after; `by` says who tells the opening: a certificate, the statement or the ledger."""

    opening: int
    closing: int
    by: str


def last_of(links: Sequence[Link], expected: int | None) -> int:
    """The balance after the last line. Lines of one second are put in order by their balances."""
    last = max(link.at for link in links)
    ends = [link for link in links if link.at == last]
    if expected is not None and any(link.balance == expected for link in ends):
        return expected
    begun_from = {link.balance - link.amount for link in ends}
    return next((link.balance for link in ends if link.balance not in begun_from), ends[-1].balance)


def first_of(links: Sequence[Link]) -> int:
    """The balance before the first line."""
    first = min(link.at for link in links)
    starts = [link for link in links if link.at == first]
    ended_with = {link.balance for link in starts}
    befores = [link.balance - link.amount for link in starts]
    return next((before for before in befores if before not in ended_with), befores[0])
