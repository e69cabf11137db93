"""Statements over a range of lines, in SQL that MariaDB, MySQL and SQLite take alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils import timezone
from django.utils.duration import duration_microseconds

from payments.models import Bucket, MatchingRules, StatementLine

RANGE = 20_000  # open lines of one transaction: a second or two
# Buckets that a later statement, payment or posting can still empty. What moved no money, is of
# another currency or was put under another till stays there until its line changes.
OPEN = (
    Bucket.NEW,
    Bucket.SUGGESTED,
    Bucket.AMBIGUOUS,
    Bucket.PAID_NO_ORDER,
    Bucket.AMOUNT_UNDER,
    Bucket.AMOUNT_OVER,
    Bucket.DUPLICATE_PAYMENT,
    Bucket.DUPLICATE_LINE,
    Bucket.STATUS_CONFLICT,
    Bucket.LATE_SUCCESS,
    Bucket.REVERSED,
    Bucket.FEE_DIFFERENCE,
    Bucket.MASKED_IDENTITY,
    Bucket.OWN_MOVEMENT,
)
IN_OPEN = ", ".join(f"'{bucket.value}'" for bucket in OPEN)

# A match by hand that waits for a second person is left to that person.
UNDECIDED = """l.id BETWEEN %(low)s AND %(high)s AND l.bucket IN ({open})
  AND (l.bucket <> 'suggested' OR NOT EXISTS (
    SELECT 1 FROM payments_match w
    WHERE w.line_id = l.id AND w.is_live AND w.state = 'suggested' AND w.by_id IS NOT NULL))""".replace(
    "{open}", IN_OPEN
)

# The last of each so many lines; by an index on the bucket, however many lines there are.
EDGES = """
SELECT id FROM (
  SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place
  FROM payments_statementline WHERE bucket IN ({places})) numbered
WHERE place %% %s = 0 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Range:
    """Lines by their ids, both ends included."""

    low: int
    high: int


def open_ranges(buckets: tuple[Bucket, ...] = OPEN, size: int = RANGE) -> Iterator[Range]:
    """Ranges that hold `size` lines of these buckets each, in the order of ids."""
    last = StatementLine.objects.filter(bucket__in=buckets).aggregate(last=Max("pk"))["last"]
    if last is None:
        return
    places = ", ".join(["%s"] * len(buckets))
    with connection.cursor() as cursor:
        cursor.execute(EDGES.replace("{places}", places), [*buckets, size])
        edges = [edge for (edge,) in cursor.fetchall()]
    low = 0
    for edge in (*edges, last):
        if low <= edge:
            yield Range(low, edge)
        low = edge + 1


def refresh_statistics(table: str) -> None:
    """Tell MariaDB how many rows a table has that has just grown.

    By itself it learns of them some time later, and compares each of a new file's lines with all others
    until then.
    """
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE LOCAL TABLE {table}")
            cursor.fetchall()


def execute(
    sql: str, lines: Range, rules: MatchingRules | None = None, file: int | None = None
) -> int:
    """Run a statement over a range; returns how many rows it wrote."""
    values: dict[str, Any] = {
        "low": lines.low,
        "high": lines.high,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
        "suggest_under": rules and rules.suggest_under,
        "file": file,
    }
    used = {name: value for name, value in values.items() if f"%({name})s" in sql}
    with connection.cursor() as cursor:
        cursor.execute(sql, used)
        return max(int(cursor.rowcount), 0)


def find(sql: str, lines: Range, file: int | None = None) -> list[int]:
    """The ids that a query over a range names."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"low": lines.low, "high": lines.high, "file": file})
        return [found for (found,) in cursor.fetchall()]


def moved_by(moment: str, sign: str, by: timedelta) -> str:
    """A moment so much later ("+") or earlier ("-"), as this database writes it."""
    interval = connection.ops.format_for_duration_arithmetic(str(duration_microseconds(by)))
    return connection.ops.combine_duration_expression(sign, [moment, interval])
