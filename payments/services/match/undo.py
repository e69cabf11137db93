"""Takes matches back by contra rows: nothing is ever deleted."""

from __future__ import annotations

from payments.models import MatchingRules
from payments.services.match.sql import Range, execute

CHANGED = "p.version > 1"


def undo(lines: Range, rules: MatchingRules, *, why: str, where: str) -> int:
    """Undo the live matches `m` of lines `l` of which the condition holds; returns how many.

    Runs inside the caller's transaction. `why` is a constant of ours.
    """
    undone = execute(
        f"""
INSERT INTO payments_match
  (line_id, attempt_id, transfer_id, posting_id, rule, state, why, at, is_live, contra_of_id)
SELECT m.line_id, m.attempt_id, m.transfer_id, m.posting_id, m.rule, 'undone', '{why}', %(now)s, 0,
  m.id
FROM payments_statementline l JOIN payments_match m ON m.line_id = l.id
WHERE l.id BETWEEN %(low)s AND %(high)s AND m.is_live AND {where}
""",
        lines,
        rules,
    )
    return undone and execute(NOT_LIVE, lines, rules)


def withdraw(lines: Range, rules: MatchingRules, *, why: str, where: str) -> int:
    """Take back what rules have suggested; what staff have, is theirs."""
    return undo(
        lines,
        rules,
        why=why,
        where=f"""l.bucket IN ('new', 'suggested') AND m.state = 'suggested' AND m.by_id IS NULL
  AND {where}""",
    )


def undo_fees(lines: Range, rules: MatchingRules, *, why: str, of: str = CHANGED) -> None:
    """Take back that fees, wherever they are, follow new lines of which a match was taken back."""
    if execute(UNDO_FEES.format(why=why, of=of), lines, rules):
        execute(FEES_ANEW.format(of=of), lines, rules)
        execute(FEES_NOT_LIVE.format(of=of), lines, rules)


# Each fee of a line's receipt with its match, where no line of the receipt is of the same any more.
FEES_LEFT = """FROM payments_statementline p
JOIN payments_statementline l ON l.receipt = p.receipt AND l.provider = p.provider
  AND l.account = p.account AND l.kind = 'fee'
JOIN payments_match m ON m.line_id = l.id AND m.rule = 'R9' AND m.is_live AND m.by_id IS NULL
WHERE p.id BETWEEN %(low)s AND %(high)s AND p.bucket = 'new' AND {of} AND p.kind <> 'fee'
"""
UNDO_FEES = f"""
INSERT INTO payments_match
  (line_id, attempt_id, transfer_id, rule, state, why, at, is_live, contra_of_id)
SELECT DISTINCT m.line_id, m.attempt_id, m.transfer_id, m.rule, 'undone', '{{why}}', %(now)s, 0, m.id
{FEES_LEFT} AND NOT EXISTS (
  SELECT 1 FROM payments_statementline o JOIN payments_match f ON f.line_id = o.id
  WHERE o.receipt = l.receipt AND o.provider = l.provider AND o.account = l.account
    AND o.kind <> 'fee' AND f.is_live AND f.state = 'confirmed'
    AND COALESCE(f.attempt_id, 0) = COALESCE(m.attempt_id, 0)
    AND COALESCE(f.transfer_id, 0) = COALESCE(m.transfer_id, 0))
"""
UNDONE_YET_LIVE = "EXISTS (SELECT 1 FROM payments_match c WHERE c.contra_of_id = m.id)"
# MySQL reads no table that it updates, but a derived one.
FEES_ANEW = f"""
UPDATE payments_statementline SET bucket = 'new'
WHERE id IN (SELECT id FROM (SELECT l.id {FEES_LEFT} AND {UNDONE_YET_LIVE}) fees)
"""
FEES_NOT_LIVE = f"""
UPDATE payments_match SET is_live = 0
WHERE id IN (SELECT id FROM (SELECT m.id {FEES_LEFT} AND {UNDONE_YET_LIVE}) fees)
"""
NOT_LIVE = """
UPDATE payments_match SET is_live = 0 WHERE is_live AND id IN (
  SELECT contra_of_id FROM (
    SELECT contra_of_id FROM payments_match
    WHERE line_id BETWEEN %(low)s AND %(high)s AND contra_of_id IS NOT NULL) undone)
"""
