"""The second look at a file: each row as a plain line, or as a fault that says why."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import NamedTuple

from payments.models import StatementLine
from payments.statements.amounts import read_amount
from payments.statements.columns import COLUMNS, plain
from payments.statements.dates import WRITTEN, Clock, moment
from payments.statements.kinds import kind_of
from payments.statements.refusal import UnreadableRow
from payments.statements.survey import RECEIPT, SHILLINGS, Layout, is_receipt
from payments.statements.tables import Table

# "Only Completed moves money" (features.md 4.2), in the words of other portals too.
COMPLETED = frozenset({"completed", "success", "successful", "ts", "imekamilika", "imefanikiwa"})
TOTALS = re.compile(
    r"(?:(?:grand |sub)?-?totals?|jumla|(?:opening|closing) balance|sum)\b", re.IGNORECASE
)
FULL_NUMBER = re.compile(r"\+?(?:255|0)?([67]\d{8})", re.ASCII)
NUMBER = re.compile(r"\+?[\d*xX]{9,15}", re.ASCII)
BREAKS = re.compile(r"[,;\t\r\n]")
UNIT, RECORD = "\x1f", "\x1e"  # separate values and rows where lines are stored
FEE = StatementLine.Kind.FEE.value
TEXT_MOST = 300_000  # of a faulty row, which an open quote may make of a hundred


class PlainLine(NamedTuple):
    """One row. `amount` in TZS is positive where it came in; `completed_at` is UTC, to the second."""

    row: int
    receipt: str
    kind: str
    is_incoming: bool
    amount: int
    moves_money: bool
    status: str
    completed_at: str
    balance: int | None
    reference: str
    msisdn: str
    party: str
    linked_receipt: str
    details: str
    currency: str
    part: int
    row_hash: str

    @property
    def at(self) -> datetime:
        return moment(self.completed_at)


class Fault(NamedTuple):
    """A row that cannot be read, as it is."""

    row: int
    text: str
    why: str


class FeeParts:
    """Tells the fee rows of one receipt apart: a charge and its levy, or one that is paid by and by.

    By amount and time, which every file of them gives alike whatever else it holds; only rows that
    share both are counted, in the file's order. A row is printed twice where its balance is the same
    too.
    """

    def __init__(self) -> None:
        self._time = ""
        self._seen: dict[tuple[str, int], list[str]] = {}  # of that second alone

    def part_of(self, receipt: str, amount: int, completed_at: str, row: str) -> int:
        """A number that is the same in every file, from 0 to below 2**63."""
        if completed_at != self._time:
            self._time, self._seen = completed_at, {}
        rows = self._seen.setdefault((receipt, amount), [])
        if row not in rows:
            rows.append(row)
        told = sha256(f"{amount}{UNIT}{completed_at}{UNIT}{rows.index(row)}".encode()).digest()
        return int.from_bytes(told[:8], "big") >> 1


def read_lines(table: Table, layout: Layout) -> Iterator[PlainLine | Fault]:
    """Every row below the header that is not blank, a total, or the header once more."""
    width, header_line = len(layout.header), layout.header_line
    read, before = _reader(layout), 0
    for number, cells in table.rows():
        lines, before = number - before, number
        if number <= header_line:
            continue
        try:
            if lines > 1:
                _check_quotes(cells, lines)
            if len(cells) != width:
                _check_width(cells, width)
            yield read(number, cells)
        except UnreadableRow as why:
            if not _says_nothing(cells, layout):
                yield Fault(number, " | ".join(cells)[:TEXT_MOST], str(why))


def _reader(layout: Layout) -> Callable[[int, list[str]], PlainLine]:
    """What reads one row of this layout: a million rows are read, so everything else is done once."""
    width = len(layout.header)
    pick = itemgetter(*(layout.places.get(column.name, width) for column in COLUMNS))
    utc, part_of = Clock(layout.dates).utc, FeeParts().part_of
    says_what = "reason" in layout.places or "details" in layout.places
    says_status = "status" in layout.places

    def read(number: int, cells: list[str]) -> PlainLine:
        cells.append("")  # in the place of every column that the file has not
        values = pick(cells)
        cells.pop()
        (
            receipt, time, status, paid_in, withdrawn, signed, balance, reason, details, party,
            msisdn, linked, reference, currency, _,
        ) = map(str.strip, values)  # fmt: skip
        receipt = receipt.upper()
        if not RECEIPT.fullmatch(receipt):
            raise UnreadableRow(f"“{receipt[:40]}” is no receipt" if receipt else "no receipt")
        completed_at = utc(time)
        moves_money = status.lower() in COMPLETED if says_status else True
        if says_status and not status:
            raise UnreadableRow("no status")
        amount, is_incoming = _amount(paid_in, withdrawn, signed, moves_money)
        balance_after = read_amount(balance)
        linked = linked.upper()[:40]
        if says_what:
            kind = kind_of(reason, details, is_incoming=is_incoming, is_linked=bool(linked))
        else:
            kind = _kind_by_direction(is_incoming)
        if party and not msisdn:
            msisdn, party = _person(party)
        elif msisdn:
            msisdn = _phone(msisdn)
        currency = _currency(currency)
        status, reference, party, details = status[:30], reference[:64], party[:150], details[:255]
        told = (  # what may change from one file to the next
            f"{amount}\x1f{status}\x1f{completed_at}\x1f{balance_after}\x1f{reference}\x1f{msisdn}"
            f"\x1f{party}\x1f{linked}\x1f{details}\x1f{currency}"
        )
        if told.count(UNIT) != 9 or RECORD in told:
            raise UnreadableRow("a control character")
        row_hash = sha256(told.encode()).hexdigest()
        part = 0
        if kind == FEE:
            part = part_of(
                receipt,
                amount,
                completed_at,
                row_hash if balance_after is not None else f"{number}",
            )
        return PlainLine(
            number, receipt, kind, is_incoming, amount, moves_money, status, completed_at,
            balance_after, reference, msisdn, party, linked, details, currency, part, row_hash,
        )  # fmt: skip

    return read


@lru_cache(maxsize=4096)  # most rows of a file have one of a few prices
def _amount(paid_in: str, withdrawn: str, signed: str, moves_money: bool) -> tuple[int, bool]:
    """The signed amount and whether it came in. Withdrawn is written with and without a minus."""
    came, went = read_amount(paid_in), read_amount(withdrawn)
    if came and went:
        raise UnreadableRow("paid in and withdrawn at once")
    amount = came or (-abs(went) if went else read_amount(signed)) or 0
    if moves_money and not amount:
        raise UnreadableRow("no amount")
    return amount, amount > 0 or (not amount and went is None)


def _kind_by_direction(is_incoming: bool) -> str:
    """In a file that does not say what its rows are."""
    kinds = StatementLine.Kind
    return kinds.COLLECTION.value if is_incoming else kinds.DISBURSEMENT.value


def _person(party: str) -> tuple[str, str]:
    """`2547****0111 - JANE DOE` → the number and the name; either may be missing."""
    first, _, rest = party.partition(" ")
    if not NUMBER.fullmatch(first):
        return "", party
    return _phone(first), rest.lstrip(" -")


def _phone(written: str) -> str:
    """E.164 where it is a whole Tanzanian number, else as the file has it."""
    found = FULL_NUMBER.fullmatch(written)
    return f"+255{found[1]}" if found else written[:20]


@lru_cache(maxsize=64)
def _currency(written: str) -> str:
    currency = written.upper()
    if not currency or currency in SHILLINGS:
        return "TZS"
    if len(currency) != 3 or not currency.isalpha():
        raise UnreadableRow(f"“{written[:40]}” is no currency")
    return currency


def _check_width(cells: list[str], width: int) -> None:
    """A row may end in empty cells beyond the header's; a short one was cut off."""
    if len(cells) == 1 and len(cells[0]) > csv.field_size_limit():
        raise UnreadableRow(f"a cell of more than {csv.field_size_limit():,} characters")
    if len(cells) < width:
        raise UnreadableRow(f"{len(cells)} of {width} columns: the row is cut off")
    if any(cell.strip() for cell in cells[width:]):
        raise UnreadableRow(f"{len(cells)} columns, the header has {width}")
    del cells[width:]


def _check_quotes(cells: list[str], lines: int) -> None:
    """A cell of several lines may be an address; one with a time and a receipt swallowed a row."""
    for cell in cells:
        if "\n" not in cell and "\r" not in cell:
            continue
        pieces = {piece.strip() for piece in BREAKS.split(cell)}
        times = {piece for piece in pieces if WRITTEN.fullmatch(piece)}
        if times and any(is_receipt(piece) for piece in pieces - times):
            raise UnreadableRow(f"{lines} lines became one row: a quote in them is not closed")


def _says_nothing(cells: list[str], layout: Layout) -> bool:
    """Whether a row without a line's receipt and time is blank, a total or the header once more."""
    told = [cell.strip() for cell in cells if cell.strip()]
    if not told:
        return True
    if [plain(cell) for cell in told] == [plain(name) for name in layout.header if name.strip()]:
        return True
    is_total = TOTALS.match(told[0]) is not None and not is_receipt(told[0])
    return is_total and not _has_time(cells, layout)


def _has_time(cells: list[str], layout: Layout) -> bool:
    place = layout.places["completed_at"]
    return place < len(cells) and any(figure.isdigit() for figure in cells[place])
