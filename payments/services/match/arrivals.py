"""R1 for lines as they are stored: nearly all are plain, and are written once, in their bucket."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from payments.models import StatementLine
from payments.services.match.confirm import by_receipt
from payments.services.match.keys import AT_ONCE
from payments.services.match.sql import Range, execute
from payments.statements.lines import PlainLine

PLAIN = frozenset({StatementLine.Kind.COLLECTION.value, StatementLine.Kind.DISBURSEMENT.value})
# Another run may match a payment meanwhile: then this line goes the way of the others.
INSERT = "INSERT IGNORE" if connection.vendor == "mysql" else "INSERT OR IGNORE"
ARRIVED = "l.id BETWEEN %(low)s AND %(high)s AND l.file_id = %(file)s AND l.bucket = 'matched'"
NOT_AFTER_ALL = """
UPDATE payments_statementline SET bucket = 'new'
WHERE id BETWEEN %(low)s AND %(high)s AND file_id = %(file)s AND bucket = 'matched'
  AND NOT EXISTS (SELECT 1 FROM payments_match m WHERE m.line_id = payments_statementline.id)
"""


def is_plain(line: PlainLine) -> bool:
    """Whether it can be expected to match by its receipt, and may be stored as matched."""
    return line.kind in PLAIN and line.moves_money and line.currency == "TZS"


def last_line() -> int:
    """The id after which come the lines that are stored from now on."""
    last: int | None = StatementLine.objects.aggregate(last=Max("pk"))["last"]
    return last or 0


def match_arrivals(file_id: int, *, after: int, expected: int) -> int:
    """Match a file's lines that were just stored as matched; the others become new. Returns how many.

    `expected` is how many were stored so. Runs in the transaction that stores them: nobody sees a line
    before it is in its bucket, and nobody can have decided anything about it.
    """
    lines = Range(after + 1, last_line())
    made = sum(
        execute(by_receipt(key, insert=INSERT, which=ARRIVED), lines, file=file_id)
        for key in AT_ONCE
    )
    if made < expected:
        execute(NOT_AFTER_ALL, lines, file=file_id)
    return made
