"""Rows as CSV, a piece at a time, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BATCH = 200  # rows in one piece


class _Line:
    """What the csv module writes to, and hands back."""

    def write(self, text: str) -> str:
        return text


def safe(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, with an apostrophe before it."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return cell


def as_csv(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The rows as text; never more than BATCH of them at once in memory."""
    writer = csv.writer(_Line())
    lines: list[str] = []
    for row in rows:
        lines.append(writer.writerow([safe(cell) for cell in row]))
        if len(lines) == BATCH:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)
