"""A file's bytes → its rows as text, whatever format and encoding it has. Names are not believed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Protocol

from payments.statements.encodings import encoding_of
from payments.statements.refusal import StatementRefused
from payments.statements.workbooks import Workbook

MEGABYTE = 1_000_000
# A million rows of the M-Pesa portal are some 200 MB; the text is streamed, its size costs no memory.
LIMIT = 300 * MEGABYTE
FIRST_LINES = 50  # in which the header has to be
DELIMITERS = (",", ";", "\t")
NOT_TEXT = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
    b"{\\rtf": "a text document",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<HTML": "a web page",
}
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class Table(Protocol):
    """Rows with their line in the file, from 1. They can be read more than once."""

    def rows(self) -> Iterator[tuple[int, list[str]]]: ...


def refuse_by_size(size: int) -> None:
    """Before anything is read. Raises StatementRefused."""
    if size > LIMIT:
        raise StatementRefused(
            f"The file has {size // MEGABYTE:,} MB; at most {LIMIT // MEGABYTE:,} MB are read. "
            "Export a shorter period."
        )
    if size == 0:
        raise StatementRefused("The file is empty.")


def open_table(content: BinaryIO) -> Table:
    """Raises StatementRefused for what is neither text in columns nor a workbook."""
    content.seek(0, io.SEEK_END)
    refuse_by_size(content.tell())
    content.seek(0)
    beginning = content.read(4096)
    content.seek(0)
    if beginning.startswith((ZIP, OLE)):
        return Workbook(content)
    for mark, what in NOT_TEXT.items():
        if beginning.lstrip().startswith(mark):
            raise StatementRefused(f"The file is {what}, not a statement in CSV, XLSX or XLS.")
    return DelimitedText(content, encoding_of(content, beginning))


class DelimitedText:
    """CSV with commas, semicolons or tabs."""

    def __init__(self, content: BinaryIO, encoding: str) -> None:
        self._content, self._encoding = content, encoding
        self._delimiter = max(DELIMITERS, key=self._widest)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """What the csv module cannot take apart is one cell: the row's text as it is."""
        return self._rows(self._delimiter)

    def _widest(self, delimiter: str) -> int:
        """How many columns the first lines have by a delimiter: preambles have few."""
        first = (len(cells) for number, cells in self._rows(delimiter, most=FIRST_LINES))
        return max(first, default=0)

    def _rows(self, delimiter: str, most: int | None = None) -> Iterator[tuple[int, list[str]]]:
        self._content.seek(0)
        # A character cut in two at the very end is left out: the row is short without it.
        text = io.TextIOWrapper(self._content, self._encoding, errors="ignore", newline="")
        lines = _Lines(text)
        reader = csv.reader(iter(lines), delimiter=delimiter)
        is_over = False
        try:
            while not is_over:
                try:
                    for cells in reader:
                        yield reader.line_num, [lines.taken()] if lines.are_over else cells
                        lines.since.clear()
                        if most is not None and reader.line_num >= most:
                            return
                    is_over = True
                except csv.Error:
                    yield reader.line_num, [lines.taken()]
                    lines.since.clear()
        finally:
            text.detach()


class _Lines:
    """A text's lines, with those that were read since the last row was complete.

    A row that is told when they are over has a quote that was never closed.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.since: list[str] = []
        self.are_over = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.since.append(line)
            yield line
        self.are_over = True

    def taken(self) -> str:
        return "".join(self.since).strip()
