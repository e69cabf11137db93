"""Rows for people's spreadsheets: streamed, recorded, and with nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from common import phone as phones

Row = TypeVar("Row", bound=Model)
Cell = str | int | datetime | None

EXPORT_ROWS = "accounts.export_rows"
PAGE = 1000  # rows that are in memory at once
# What a spreadsheet takes for the beginning of a formula, also in full width (OWASP ASVS 5.0, 1.2.10).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
BYTE_ORDER_MARK = "\ufeff"  # else Excel reads another encoding than UTF-8


def may_export(request: HttpRequest) -> bool:
    """Whether this person may take lists away; what they may see on one is another question."""
    return bool(request.user.has_perm(EXPORT_ROWS))


def csv_download(
    request: HttpRequest,
    *,
    of: type[Model],
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    count: int,
) -> StreamingHttpResponse:
    """The rows as a file of that name, one page at a time; who took how many by which filters is logged.

    `rows` is read while the file is being sent: it must mask what this person may not see.
    """
    record_export(request, of=of, count=count, filters=request.GET.dict())
    answer = StreamingHttpResponse(
        csv_pages(chain([header], rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def record_export(
    request: HttpRequest, *, of: type[Model], count: int, filters: Mapping[str, str]
) -> None:
    """Log that this person took rows of a table away; phones among the filters are masked."""
    chosen = ", ".join(f"{key}={value}" for key, value in filters.items() if value)
    LogEntry.objects.create(
        user_id=request.user.pk,  # type: ignore[misc]  # staff have signed in
        content_type=ContentType.objects.get_for_model(of),
        object_repr=f"{count:,} {of._meta.verbose_name_plural}"[:200],
        action_flag=CHANGE,
        change_message=f"Exported {count:,} rows; filters: {phones.mask_within(chosen) or 'none'}",
    )


def csv_pages(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of the file (RFC 4180), its head the first of them, in pieces of up to PAGE."""
    yield BYTE_ORDER_MARK
    lines = iter(rows)
    while page := list(islice(lines, PAGE)):
        piece = io.StringIO()
        writer = csv.writer(piece, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerows([_cell(value) for value in row] for row in page)
        yield piece.getvalue()


def newest_first(rows: QuerySet[Row]) -> Iterator[Row]:
    """Every row from the highest primary key down, a page at a time with what it prefetches.

    Not `iterator()`: MariaDB's driver would fetch the whole answer into memory first.
    """
    rows = rows.order_by("-pk")
    page = list(rows[:PAGE])
    while page:
        yield from page
        page = list(rows.filter(pk__lt=page[-1].pk)[:PAGE])


def as_text(text: str) -> str:
    """The text, which a spreadsheet then shows and does not calculate; a phone keeps its plus."""
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def _cell(value: Cell) -> str | int:
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE))
        return f"{local:%Y-%m-%d %H:%M:%S}"
    return as_text(value) if isinstance(value, str) else value
