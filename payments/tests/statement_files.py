"""Statements as the M-Pesa portal writes them, for tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile

from payments.models import StatementFile
from payments.services.import_statement import read_statement, take_file

TILL = "600100"
HEADER = (
    "Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In",
    "Withdrawn", "Balance", "Balance Confirmed", "Reason Type", "Other Party Info",
    "Linked Transaction ID", "A/C No.",
)  # fmt: skip
PREAMBLE = (
    ("Organization Name:", "Konektika"),
    ("Short code:", TILL),
    ("Time Period:", "From 2025-11-01 To 2025-11-30"),
    (),
)
HEADER_LINE = len(PREAMBLE) + 1
FIRST_LINE = HEADER_LINE + 1
NOON = datetime(2025, 11, 20, 12)  # noqa: DTZ001 - as written, in EAT


def receipt(number: int) -> str:
    return f"BK{number:08d}"


def row(number: int = 1, **cells: str) -> list[str]:
    """A collection of 1,000 that leaves 1,000 more than the one before; cells by their header."""
    at = f"{NOON + timedelta(seconds=number):%Y-%m-%d %H:%M:%S}"
    usual = {
        "Receipt No.": receipt(number),
        "Completion Time": at,
        "Initiation Time": at,
        "Details": f"Pay Bill from 255754{number:06d} - JANE DOE Acc. KNK{number}",
        "Transaction Status": "Completed",
        "Paid In": "1,000.00",
        "Balance": f"{1000 * number:,}.00",
        "Balance Confirmed": "true",
        "Reason Type": "Pay Bill Online",
        "Other Party Info": f"255754{number:06d} - JANE DOE",
        "A/C No.": f"KNK{number}",
    }
    unknown = set(cells) - set(HEADER)
    assert not unknown, unknown
    return [{**usual, **cells}.get(name, "") for name in HEADER]


def rows(first: int, last: int) -> list[list[str]]:
    return [row(number) for number in range(first, last + 1)]


def as_csv(
    lines: Sequence[Sequence[str]],
    *,
    header: Sequence[str] = HEADER,
    preamble: Sequence[Sequence[str]] = PREAMBLE,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([*preamble, header, *lines])
    return text.getvalue().encode(encoding)


def take(content: bytes, name: str = "statement.csv", **options: Any) -> StatementFile:
    options = {"provider": "vodacom_mpesa", "account": TILL, "by": None, **options}
    file, _ = take_file(content=ContentFile(content), name=name, **options)
    return file


def imported(content: bytes, **options: Any) -> StatementFile:
    """The file after it was read."""
    file = take(content, **options)
    read_statement(file_id=file.pk)
    file.refresh_from_db()
    return file
