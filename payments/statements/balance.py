"""The running balance: where it does not follow from the line before, a row is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise

from payments.statements.lines import Fault, PlainLine

LOOKED_AT = 1_000  # lines by which it is found out whether the newest comes first


Followed = tuple[PlainLine | Fault, bool | None]


class Chain:
    """Passes a file's rows on, each with whether its balance breaks, and keeps what it has proved.

    None is said of a row that has nothing before it, or that is no link: only completed lines with a
    balance are, and one that is written twice in a row is one link.
    """

    def __init__(self) -> None:
        self.breaks = 0
        self.proved = 0  # lines that follow from the line before
        self.opening: int | None = None
        self.closing: int | None = None

    def follow(self, rows: Iterable[PlainLine | Fault]) -> Iterator[Followed]:
        ahead = iter(rows)
        first = list(islice(ahead, LOOKED_AT))
        if _is_newest_first(first):
            yield from self._backwards(chain(first, ahead))
        else:
            yield from self._forwards(chain(first, ahead))

    def _forwards(self, rows: Iterable[PlainLine | Fault]) -> Iterator[Followed]:
        told = ""
        for row in rows:
            if (
                isinstance(row, Fault)
                or row.balance is None
                or not row.moves_money
                or row.row_hash == told
            ):
                yield row, None
                continue
            told = row.row_hash
            before = row.balance - row.amount
            if self.opening is None:
                self.opening = before
            breaks = None if self.closing is None else self._compared(self.closing, before)
            self.closing = row.balance
            yield row, breaks

    def _backwards(self, rows: Iterable[PlainLine | Fault]) -> Iterator[Followed]:
        """Each link waits for the older one below it."""
        newer: PlainLine | None = None
        for row in rows:
            if (
                isinstance(row, Fault)
                or row.balance is None
                or not row.moves_money
                or (newer is not None and row.row_hash == newer.row_hash)
            ):
                yield row, None
                continue
            if newer is None or self.opening is None:
                self.closing = row.balance
            else:
                yield newer, self._compared(row.balance, self.opening)
            newer, self.opening = row, row.balance - row.amount
        if newer is not None:
            yield newer, None

    def _compared(self, one: int, other: int) -> bool:
        breaks = one != other
        self.breaks += breaks
        self.proved += not breaks
        return breaks


def _is_newest_first(rows: list[PlainLine | Fault]) -> bool:
    """By which direction more balances follow; by the times where that says nothing."""
    links = [
        (row.balance - row.amount, row.balance, row.completed_at)
        for row in rows
        if isinstance(row, PlainLine) and row.moves_money and row.balance is not None
    ]
    forwards = sum(after == before for (_, after, _), (before, _, _) in pairwise(links))
    backwards = sum(before == after for (before, _, _), (_, after, _) in pairwise(links))
    if forwards != backwards:
        return backwards > forwards
    return len(links) > 1 and links[0][2] > links[-1][2]
