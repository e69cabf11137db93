"""Takes matches back by contra rows: nothing is ever deleted."""

from __future__ import annotations

from payments.models import MatchingRules
from payments.services.match.sql import Range, execute


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


# MySQL reads no table that it updates, but a derived one.
NOT_LIVE = """
UPDATE payments_match SET is_live = 0 WHERE is_live AND id IN (
  SELECT contra_of_id FROM (
    SELECT contra_of_id FROM payments_match
    WHERE line_id BETWEEN %(low)s AND %(high)s AND contra_of_id IS NOT NULL) undone)
"""
