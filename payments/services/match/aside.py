"""Lines that no order explains: what moved nothing, other money, bank movements, fees, and changes."""

from __future__ import annotations

from common.transactions import retried
from payments.days.keys import bank_source
from payments.models import MatchingRules
from payments.services.match.confirm import settle_lines
from payments.services.match.sql import UNDECIDED, Range, execute, find
from payments.services.match.undo import undo, undo_fees


@retried
def set_aside(lines: Range, rules: MatchingRules) -> None:
    """Undo what a changed line contradicts; put away what is evidence only or no shillings."""
    if undo(lines, rules, why="a later file tells the line otherwise", where=CONTRADICTED):
        undo_fees(lines, rules, why="the match of its line was undone")
    for line_id in find(TOLD_AGAIN, lines):
        _take_back(Range(line_id, line_id), rules)
    execute(STILL_MATCHED, lines, rules)
    execute(NO_SHILLINGS, lines, rules)


def _take_back(line: Range, rules: MatchingRules) -> None:
    """Its receipt said whose it was, which it does not if two lines have it: as if they came together."""
    if undo(line, rules, why="its receipt is told twice", where=BY_ITS_RECEIPT):
        execute(ANEW, line, rules)
        undo_fees(line, rules, why="the match of its line was undone", of="1 = 1")


@retried
def match_movements(lines: Range, rules: MatchingRules) -> int:
    """Settlements and top-ups with what was recorded of them; the rest waits for its day's close."""
    made = execute(MOVEMENT, lines, rules)
    return made and settle_lines(lines, rules)


@retried
def match_fees(lines: Range, rules: MatchingRules) -> int:
    """R9: a fee belongs to what the line of its receipt is of; one beside such a line may."""
    made = execute(FEE, lines, rules)
    execute(FEE_BESIDE, lines, rules)
    return made and settle_lines(lines, rules)


# A line that a later file changed is new again: its match stands only while the amounts agree, and a
# rule by what the line names is asked again.
CONTRADICTED = """l.bucket = 'new' AND l.version > 1 AND (NOT l.moves_money OR l.currency <> 'TZS' OR m.rule = 'R7'
  OR (m.rule IN ('R2', 'R3', 'R4', 'R8') AND m.state = 'confirmed' AND m.by_id IS NULL)
  OR (l.kind <> 'fee' AND m.posting_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM mobile_money_transactions t JOIN payments_payment p ON p.id = t.payment_id
    WHERE t.id = m.attempt_id AND p.paid_amount = ABS(l.amount))
  AND NOT EXISTS (
    SELECT 1 FROM payments_transfer t WHERE t.id = m.transfer_id AND t.amount = ABS(l.amount))))"""

# A file's lines are matched by their receipts as they are stored, and a later row may tell of one again.
TOLD_AGAIN = """
SELECT DISTINCT o.id FROM payments_statementline l
JOIN payments_statementline o ON o.receipt = l.receipt AND o.provider = l.provider
  AND o.is_incoming = l.is_incoming AND o.file_id = l.file_id AND o.row <> l.row
WHERE l.id BETWEEN %(low)s AND %(high)s AND l.bucket = 'new' AND l.moves_money AND l.kind <> 'fee'
  AND o.bucket = 'matched' AND o.moves_money AND o.kind <> 'fee'
"""
BY_ITS_RECEIPT = """m.rule = 'R1' AND m.state = 'confirmed' AND m.by_id IS NULL
  AND m.posting_id IS NULL"""
ANEW = "UPDATE payments_statementline SET bucket = 'new' WHERE id BETWEEN %(low)s AND %(high)s"
STILL_MATCHED = """
UPDATE payments_statementline SET bucket = 'matched'
WHERE id BETWEEN %(low)s AND %(high)s AND bucket = 'new' AND version > 1
  AND EXISTS (SELECT 1 FROM payments_match m
    WHERE m.line_id = payments_statementline.id AND m.is_live AND m.state = 'confirmed')
"""
NO_SHILLINGS = """
UPDATE payments_statementline
SET bucket = CASE WHEN moves_money THEN 'foreign_currency' ELSE 'evidence' END
WHERE id BETWEEN %(low)s AND %(high)s AND bucket = 'new'
  AND (NOT moves_money OR currency <> 'TZS')
"""
NOT_REFUSED = """NOT EXISTS (SELECT 1 FROM payments_match u
    WHERE u.line_id = l.id AND u.state = 'undone' AND u.by_id IS NOT NULL)"""
POSTED = f"""REPLACE(REPLACE('{bank_source("{provider}", "{receipt}")}', '{{provider}}', l.provider),
    '{{receipt}}', l.receipt)"""
MOVEMENT = f"""
INSERT INTO payments_match (line_id, posting_id, rule, state, why, at, is_live)
SELECT l.id, b.id, 'R1', 'confirmed', 'receipt, amount', %(now)s, 1
FROM payments_statementline l
JOIN payments_posting b ON b.source = {POSTED}
WHERE {UNDECIDED} AND l.moves_money AND l.currency = 'TZS'
  AND l.kind IN ('settlement', 'top_up')
  AND EXISTS (SELECT 1 FROM payments_entry e
    WHERE e.posting_id = b.id AND e.amount = l.amount AND e.account LIKE 'provider:%%')
  AND NOT EXISTS (SELECT 1 FROM payments_match m
    WHERE m.posting_id = b.id AND m.is_live AND m.state = 'confirmed')
  AND NOT EXISTS (SELECT 1 FROM payments_statementline o
    WHERE o.receipt = l.receipt AND o.provider = l.provider AND o.id <> l.id
    AND o.kind IN ('settlement', 'top_up') AND o.amount = l.amount)
  AND {NOT_REFUSED}
"""

FEE = f"""
INSERT INTO payments_match (line_id, attempt_id, transfer_id, rule, state, why, at, is_live)
SELECT l.id, m.attempt_id, m.transfer_id, 'R9', 'confirmed', 'receipt of a matched line', %(now)s, 1
FROM payments_statementline l
JOIN payments_match m ON m.id = (
  SELECT MIN(f.id) FROM payments_statementline o JOIN payments_match f ON f.line_id = o.id
  WHERE o.receipt = l.receipt AND o.provider = l.provider AND o.account = l.account
    AND o.kind <> 'fee' AND f.is_live AND f.state = 'confirmed' AND f.rule <> 'R7'
    AND f.posting_id IS NULL)
WHERE {UNDECIDED} AND l.moves_money AND l.kind = 'fee' AND {NOT_REFUSED}
"""

# Written in the row before or after, in the same second; several such rows leave it open.
FEE_BESIDE = f"""
INSERT INTO payments_candidate (line_id, attempt_id, transfer_id, rule, bucket, why)
SELECT l.id, m.attempt_id, m.transfer_id, 'R9', 'suggested', 'beside a matched line, time'
FROM payments_statementline l
JOIN payments_statementline o ON o.provider = l.provider AND o.completed_at = l.completed_at
  AND o.account = l.account AND o.file_id = l.file_id AND o.row IN (l.row - 1, l.row + 1)
  AND o.kind <> 'fee'
JOIN payments_match m ON m.line_id = o.id AND m.is_live AND m.state = 'confirmed'
  AND m.rule <> 'R7' AND m.posting_id IS NULL
WHERE {UNDECIDED} AND l.moves_money AND l.kind = 'fee'
  AND NOT EXISTS (SELECT 1 FROM payments_match x
    WHERE x.line_id = l.id AND x.is_live AND x.state = 'confirmed')
  AND {NOT_REFUSED}
"""
