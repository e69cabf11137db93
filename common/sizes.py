"""Bytes in words: a gigabyte is a thousand million of them (docs/adr/0006)."""

from __future__ import annotations

UNITS = ("kB", "MB", "GB", "TB", "PB")


def in_words(size: int) -> str:
    """Bytes with at most three figures and a unit: `0 B`, `812 kB`, `1.25 GB`."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in UNITS:
        amount /= 1000
        if amount < 999.5 or unit == UNITS[-1]:
            break
    figures = 2 if amount < 10 else 1 if amount < 100 else 0
    text = f"{amount:.{figures}f}"
    return f"{text.rstrip('0').rstrip('.') if figures else text} {unit}"
