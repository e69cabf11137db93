"""XLSX and XLS, by calamine, which holds a sheet in memory: so they have a limit of their own."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from payments.statements.refusal import StatementRefused

MEGABYTE = 1_000_000
XLS_LIMIT = 30 * MEGABYTE
UNPACKED_LIMIT = 150 * MEGABYTE  # some 200,000 rows of the M-Pesa portal
RATIO_LIMIT = 100  # XML of statements packs to a tenth; a bomb to a thousandth
RATIO_MATTERS = MEGABYTE
MEMBERS_LIMIT = 1_000
EXACT = 1e15  # of a larger number a workbook has rounded the last figures


class Workbook:
    """Its one sheet that has anything."""

    def __init__(self, content: BinaryIO) -> None:
        _refuse_bomb(content)
        self._sheet = _only_sheet(content)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        first = (self._sheet.start or (0, 0))[0] + 1
        for number, cells in enumerate(self._sheet.iter_rows(), start=first):
            yield number, [_text(cell) for cell in cells]


def _only_sheet(content: BinaryIO) -> CalamineSheet:
    content.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(content)
        sheets = (book.get_sheet_by_index(index) for index in range(len(book.sheet_names)))
        filled = list(islice((sheet for sheet in sheets if sheet.height), 2))
    except (CalamineError, OSError, ValueError) as error:
        raise StatementRefused("The workbook is damaged or has a password.") from error
    if not filled:
        raise StatementRefused("The workbook has no sheet with anything in it.")
    if len(filled) > 1:
        first, second = (sheet.name[:40] for sheet in filled)
        raise StatementRefused(
            f"The workbook has several sheets: “{first}”, and “{second}” after it. Save each sheet "
            "that has lines as a file of its own."
        )
    return filled[0]


def _refuse_bomb(content: BinaryIO) -> None:
    """By the archive's directory, which is then proved: what it says is unpacked, and no more."""
    content.seek(0)
    if content.read(2) != b"PK":
        _refuse_large_xls(content.seek(0, io.SEEK_END))
        return
    content.seek(0)
    try:
        with zipfile.ZipFile(content) as archive:
            _refuse_by_directory(archive.infolist())
            is_true = archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError) as error:
        raise StatementRefused("The file is a damaged archive, not a workbook.") from error
    except RuntimeError as error:
        raise StatementRefused("The workbook has a password.") from error
    if not is_true:
        raise StatementRefused("The workbook is damaged, or says that it is smaller than it is.")


def _refuse_large_xls(size: int) -> None:
    if size > XLS_LIMIT:
        raise StatementRefused(
            f"The workbook has {size // MEGABYTE} MB; at most {XLS_LIMIT // MEGABYTE} MB of XLS are "
            "read. Export it as CSV."
        )


def _refuse_by_directory(members: list[zipfile.ZipInfo]) -> None:
    if not any(member.filename.startswith("xl/workbook") for member in members):
        raise StatementRefused("The file is an archive, not a workbook.")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > UNPACKED_LIMIT or len(members) > MEMBERS_LIMIT:
        raise StatementRefused(
            f"The workbook unpacks to {unpacked // MEGABYTE:,} MB; at most "
            f"{UNPACKED_LIMIT // MEGABYTE} MB are read. Export it as CSV."
        )
    if unpacked > RATIO_MATTERS and unpacked > packed * RATIO_LIMIT:
        raise StatementRefused(
            f"The workbook unpacks to {unpacked // max(packed, 1):,} times its size, as no "
            "statement does."
        )


def _text(cell: Any) -> str:
    """A cell as a CSV would have it. A formula is what the workbook last showed for it.

    A longer number than a workbook keeps is told as `1.2e+16`, which is no receipt and no amount.
    """
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case float() if cell.is_integer() and abs(cell) < EXACT:
            return str(int(cell))
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M:%S}"
        case date() | time():
            return cell.isoformat()
    return str(cell)
