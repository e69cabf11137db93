"""R1 for lines as they are stored: nearly all are plain, and are written once, in their bucket."""

from __future__ import annotations

import sys

from django.db import connection
from django.db.models import Max

from payments.days.batches import some
from payments.models import Bucket, StatementLine
from payments.services.match.confirm import by_receipt
from payments.services.match.keys import AT_ONCE
from payments.services.match.phrases import ITS_RECEIPT_AGAIN
from payments.services.match.sql import Range, execute, find
from payments.statements.lines import PlainLine

PLAIN = frozenset({StatementLine.Kind.COLLECTION.value, StatementLine.Kind.DISBURSEMENT.value})
# What has its line already, the unique rule knows: then this line goes the way of the others.
INSERT = "INSERT IGNORE" if connection.vendor == "mysql" else "INSERT OR IGNORE"
ARRIVED = "l.id BETWEEN %(low)s AND %(high)s AND l.file_id = %(file)s AND l.bucket = 'matched'"
UNMATCHED = f"""
SELECT l.id FROM payments_statementline l LEFT JOIN payments_match m ON m.line_id = l.id
WHERE {ARRIVED} AND m.id IS NULL
"""


def is_plain(line: PlainLine) -> bool:
    """Whether it can be expected to match by its receipt, and may be stored as matched."""
    return line.kind in PLAIN and line.moves_money and line.currency == "TZS"


def next_line() -> int:
    """The id from which on come the lines that are stored from now on."""
    last: int | None = StatementLine.objects.aggregate(last=Max("pk"))["last"]
    return (last or 0) + 1


def match_arrivals(file_id: int, *, first: int, expected: int) -> int:
    """Match a file's lines that were just stored as matched; the others become new. Returns how many.

    `first` is the id from which on they are, `expected` how many were stored so. Runs in the
    transaction that stores them: nobody sees a line before it is in its bucket, and nobody can have
    decided anything about it.
    """
    lines = Range(first, sys.maxsize)
    alone = f"{ARRIVED} AND NOT EXISTS ({ITS_RECEIPT_AGAIN})"
    made = sum(
        execute(by_receipt(key, which=alone, insert=INSERT), lines, file=file_id) for key in AT_ONCE
    )
    if made < expected:
        for ids in some(find(UNMATCHED, lines, file=file_id)):
            StatementLine.objects.filter(pk__in=ids).update(bucket=Bucket.NEW)
    return made
