"""The first look at a whole file: what it is, how its dates are written, and whether it is read at all.

Nothing is stored before it has passed, so a refused file leaves nothing behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from payments.statements.columns import FileMapping, plain
from payments.statements.dates import DECIDED, ORDERS, orders_of
from payments.statements.refusal import StatementRefused
from payments.statements.tables import FIRST_LINES, Table

# In the lines above the header: `Short code: 600100`, `Paybill,600100`, `Namba ya biashara 600100`.
OWN_NUMBER = re.compile(
    r"\b(?:short ?code|pay ?bill|till|business n\w*|organi[sz]ation code|namba ya biashara)"
    r"[^\d|]*\|?[^\d|]*(\d{4,12})\b",
    re.ASCII | re.IGNORECASE,
)
RECEIPT = re.compile(r"[A-Z0-9][A-Z0-9._/-]{3,39}", re.ASCII)
NO_CURRENCY = "none"  # which are shillings, but not beside another one
SHILLINGS = frozenset({"TZS", "TSH", "TSHS", "TZ SHILLING", NO_CURRENCY})
DATE_LENGTH = 11  # no date as we know it is longer


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file's rows are read. `profile` is the key of the mapping that knows its header."""

    profile: int
    header_line: int
    header: list[str]
    places: Mapping[str, int]
    dates: str
    rows: int


def survey(
    table: Table, mappings: Mapping[int, FileMapping], *, account: str = "", dates: str = ""
) -> Layout:
    """The file's layout by one of the mappings, for the given till.

    `dates` is an order that staff have chosen. Raises StatementRefused.
    """
    profile, line, header, places = _find_header(table, mappings, account)
    known = dates or mappings[profile].dates
    order = _Order({known} if known else set(DECIDED))
    currency = _Same("The file has two currencies", places.get("currency"), blank=NO_CURRENCY)
    till = _Same("The file has lines of two tills", places.get("account"))
    told = [column for column in (currency, till) if column.place is not None]
    rows, width, time, receipt = 0, len(header), places["completed_at"], places["receipt"]
    for number, cells in table.rows():
        if number <= line:
            continue
        rows += 1
        if len(cells) < width:
            continue  # cut off: told of when the rows are read
        if order.is_news(cells[time]) and is_receipt(cells[receipt]):
            order.look(number, cells[time])
        for column in told:
            if column.is_news(cells) and is_receipt(cells[receipt]):
                column.look(number, cells)
    if account and till.value not in ("", account.upper()):
        raise _wrong_till(till.value, account, till.line)
    return Layout(profile, line, header, places, order.decided(), rows)


def _find_header(
    table: Table, mappings: Mapping[int, FileMapping], account: str
) -> tuple[int, int, list[str], dict[str, int]]:
    above: list[tuple[int, str]] = []
    for number, cells in _first(table):
        fitting = [
            (len(places), profile, places)
            for profile, mapping in mappings.items()
            if (places := mapping.places(cells)) is not None
        ]
        if fitting:
            _check_till(above, account)
            _, profile, places = max(fitting, key=lambda fit: (fit[0], fit[1]))
            _check_once(number, cells, places)
            return profile, number, cells, places
        above.append((number, "|".join(cells)))
    raise StatementRefused(_no_header(mappings))


def _first(table: Table) -> Iterator[tuple[int, list[str]]]:
    for number, cells in table.rows():
        if number > FIRST_LINES:
            return
        yield number, cells


def _check_once(line: int, header: list[str], places: Mapping[str, int]) -> None:
    """Which of two columns of one name is meant would be a guess."""
    written = [plain(name) for name in header]
    for place in places.values():
        if written.count(written[place]) > 1:
            last = len(written) - 1 - written[::-1].index(written[place])
            raise StatementRefused(
                f"Line {line} has the column “{header[last].strip()[:40]}” twice: which of them is "
                "meant? Give one another name."
            )


def _no_header(mappings: Mapping[int, FileMapping]) -> str:
    where = f"The first {FIRST_LINES} lines have no header"
    if len(mappings) != 1:
        return f"{where} that a profile knows: make a profile from this file."
    (mapping,) = mappings.values()
    wanted = [names[0] for names in mapping.columns.values() if names]
    return f"{where} with this profile's columns: {', '.join(wanted)}."[:255]


def _check_till(above: list[tuple[int, str]], account: str) -> None:
    for number, text in above:
        found = OWN_NUMBER.search(text)
        if account.isdigit() and found and found[1] != account:
            raise _wrong_till(found[1], account, number)


def _wrong_till(written: str, account: str, line: int) -> StatementRefused:
    return StatementRefused(
        f"Line {line} says that the file is of {written}; you have chosen {account}."
    )


def is_receipt(text: str) -> bool:
    """Whether a row that begins so is a line: a footer, a total or a second header is none."""
    text = text.strip()
    return RECEIPT.fullmatch(text.upper()) is not None and any(map(str.isdigit, text))


class _Same:
    """A column that has one value in the whole file. `blank` is what an empty cell says."""

    def __init__(self, refusal: str, place: int | None, blank: str = "") -> None:
        self._refusal, self.place, self._blank = refusal, place, blank
        self.value, self.line = "", 0

    def is_news(self, cells: list[str]) -> bool:
        return self._of(cells) not in ("", self.value)

    def look(self, number: int, cells: list[str]) -> None:
        value = self._of(cells)
        if not self.value:
            self.value, self.line = value, number
        elif not {value, self.value} <= SHILLINGS:
            raise StatementRefused(
                f"{self._refusal}: {self.value} in line {self.line}, {value} in line {number}."
            )

    def _of(self, cells: list[str]) -> str:
        if self.place is None:
            return ""
        return cells[self.place].strip().upper() or self._blank


class _Order:
    """The orders of day, month and year by which every date of a file so far is one."""

    def __init__(self, possible: set[str]) -> None:
        self._possible = possible
        self._seen: set[str] = set()
        self._latest: tuple[int, str] | None = None  # the last line that left fewer of them
        self._unread: tuple[int, str] | None = None

    def is_news(self, written: str) -> bool:
        day = written[:DATE_LENGTH]
        return day != "" and day not in self._seen

    def look(self, number: int, written: str) -> None:
        self._seen.add(written[:DATE_LENGTH])
        fitting = self._fitting(written)
        if not fitting:
            self._unread = self._unread or (number, written)
            return
        left = self._possible & fitting
        if not left:
            raise StatementRefused(self._mixed(number, written))
        if self._latest is None or left != self._possible:
            self._latest = (number, written)
        self._possible = left

    def decided(self) -> str:
        """Raises StatementRefused where both orders are possible, or none is."""
        if self._latest is None:
            if self._unread is not None:
                number, written = self._unread
                raise StatementRefused(
                    f"No line has a date that can be read: line {number} has “{written[:30]}”."
                )
            return ""  # a header without a line below it
        if len(self._possible) > 1:
            number, written = self._latest
            raise StatementRefused(
                f"The file's dates can be read day first and month first (line {number}: "
                f"“{written[:30]}”): choose the order when you upload it."
            )
        return next(iter(self._possible))

    def _fitting(self, written: str) -> set[str]:
        if self._possible <= set(DECIDED):
            return orders_of(written)
        return self._possible  # an order that no file decides by itself

    def _mixed(self, number: int, written: str) -> str:
        if self._latest is None:
            names = " or ".join(ORDERS[order] for order in self._possible)
            return f"Line {number} has the date “{written[:30]}”, which is not {names}."
        line, other = self._latest
        return (
            f"Line {number} has the date “{written[:30]}”, line {line} “{other[:30]}”: no order of "
            "day, month and year fits both."
        )
