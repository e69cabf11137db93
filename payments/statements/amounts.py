"""Amounts as statements write them → whole shillings."""

from __future__ import annotations

import re

from payments.statements.refusal import UnreadableRow

# At most fifteen figures: what the database keeps.
WRITTEN = re.compile(r"(-?)(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:\.00?)?", re.ASCII)
# Before the figures or after them, where `/=` and `/-` say that there are no cents.
CURRENCY = re.compile(
    r"^(?:tzs|tshs?)\.?\s*|\s*/[=-]$|\s*(?:/[=-]\s*)?(?:tzs|tshs?)\.?$", re.ASCII | re.IGNORECASE
)


def read_amount(text: str) -> int | None:
    """TZS, negative by a minus or by brackets; None for an empty cell.

    Raises UnreadableRow: cents are no shillings, and what cannot be read is never zero.
    """
    if not text or text == "-":
        return None
    found = WRITTEN.fullmatch(text)
    if found is None:
        return _read_dressed(text)
    minus, digits = found.groups()
    amount = int(digits.replace(",", ""))
    return -amount if minus else amount


def _read_dressed(text: str) -> int:
    """In brackets, or with the currency."""
    is_bracketed = text.startswith("(") and text.endswith(")")
    bare = text[1:-1].strip() if is_bracketed else text
    found = WRITTEN.fullmatch(CURRENCY.sub("", bare))
    if found is None:
        raise UnreadableRow(f"“{text[:40]}” is no amount in whole shillings")
    minus, digits = found.groups()
    amount = int(digits.replace(",", ""))
    return -amount if is_bracketed or minus else amount
