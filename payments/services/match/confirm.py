"""Makes the matches that are beyond doubt: at once by receipt, the rest from unique candidates."""

from __future__ import annotations

from common.transactions import retried
from payments.models import MatchingRules
from payments.services.match.keys import AT_ONCE, Key
from payments.services.match.phrases import REFUSED, TOLD_TWICE
from payments.services.match.sql import IN_OPEN, UNDECIDED, Range, execute
from payments.services.match.undo import withdraw

STRONG = ("R1", "R2", "R3", "R4", "R8")


@retried
def match_by_receipt(lines: Range, rules: MatchingRules) -> int:
    """R1, for the nearly all that nothing is wrong with, without a candidate each."""
    made = sum(execute(_by_receipt(key), lines, rules) for key in AT_ONCE)
    return made and settle_lines(lines, rules)


@retried
def match_candidates(rule: str, lines: Range, rules: MatchingRules) -> int:
    """The candidates of a rule that agree in all and compete with no other, for line and target."""
    made = sum(
        execute(_from_candidates(rule, column), lines, rules)
        for column in ("attempt_id", "transfer_id")
    )
    return made and settle_lines(lines, rules)


def settle_lines(lines: Range, rules: MatchingRules) -> int:
    """Put lines with a confirmed match into their bucket; what was suggested of them is over."""
    withdraw(
        lines,
        rules,
        why="a stronger rule has found it",
        where="""EXISTS (SELECT 1 FROM payments_match f WHERE f.line_id = l.id AND f.is_live
          AND f.state = 'confirmed')""",
    )
    moved = execute(SETTLE, lines, rules)
    execute(FORGET, lines, rules)
    return moved


def _by_receipt(key: Key) -> str:
    """Joined with what is taken, row by row: as a subquery MariaDB copies all of it for each range."""
    column = key.side.column
    return by_receipt(
        key,
        joined=f"""LEFT JOIN payments_match taken
  ON taken.{column} = t.id AND taken.holds_{column.removesuffix("_id")} = 1""",
        which=f"{UNDECIDED} AND taken.id IS NULL AND NOT {REFUSED.format(column=column)} "
        f"AND NOT {TOLD_TWICE}",
    )


def by_receipt(key: Key, *, which: str, insert: str = "INSERT", joined: str = "") -> str:
    """Confirm what lines `l` of a condition, which leaves out what is told twice, have the receipt of."""
    side = key.side
    return f"""
{insert} INTO payments_match
  (line_id, {side.column}, rule, state, why, at, is_live)
SELECT l.id, t.id, '{key.rule}', 'confirmed', '{key.why}, amount', %(now)s, 1
FROM payments_statementline l
JOIN {side.table} ON {key.on} AND t.provider = l.provider
{side.joined}
{joined}
WHERE {which} AND l.moves_money AND l.currency = 'TZS' AND {side.lines} AND {side.only}
  AND {side.done} AND {side.expected} = {side.amount}
"""


def _from_candidates(rule: str, column: str) -> str:
    """Of reversals (R8) a collection may have several parts: those of another amount do not compete."""
    taken = (
        "m.attempt_id = c.attempt_id AND m.holds_attempt = 1 AND c.rule <> 'R8'"
        if column == "attempt_id"
        else "m.transfer_id = c.transfer_id AND m.holds_transfer = 1"
    )
    strong = ", ".join(f"'{each}'" for each in (STRONG if rule != "R1" else ("R1",)))
    of_line = f"""NOT EXISTS (SELECT 1 FROM payments_candidate o
    WHERE o.line_id = c.line_id AND o.rule IN ({strong})
    AND (o.{column} IS NULL OR o.{column} <> c.{column})
    AND (o.rule <> 'R8' OR o.bucket IN ('matched', 'suggested')))"""
    same_kind = "o.rule = 'R8'" if rule == "R8" else "o.rule <> 'R8'"
    return f"""
INSERT INTO payments_match
  (line_id, {column}, rule, state, why, at, is_live)
SELECT DISTINCT c.line_id, c.{column}, c.rule, 'confirmed', c.why, %(now)s, 1
FROM payments_candidate c
JOIN payments_statementline l ON l.id = c.line_id
WHERE {UNDECIDED} AND c.rule = '{rule}' AND c.bucket = 'matched' AND c.{column} IS NOT NULL
  AND c.id = (SELECT MIN(s.id) FROM payments_candidate s
    WHERE s.line_id = c.line_id AND s.rule = c.rule AND s.bucket = 'matched')
  AND NOT EXISTS (SELECT 1 FROM payments_match m WHERE {taken})
  AND {of_line}
  AND NOT EXISTS (SELECT 1 FROM payments_candidate o
    WHERE o.{column} = c.{column} AND o.line_id <> c.line_id AND o.bucket = 'matched'
    AND {same_kind})
"""


SETTLE = f"""
UPDATE payments_statementline SET bucket = 'matched'
WHERE id BETWEEN %(low)s AND %(high)s AND bucket IN ({IN_OPEN})
  AND EXISTS (SELECT 1 FROM payments_match m
    WHERE m.line_id = payments_statementline.id AND m.is_live AND m.state = 'confirmed')
"""

FORGET = """
DELETE FROM payments_candidate WHERE line_id BETWEEN %(low)s AND %(high)s
  AND EXISTS (SELECT 1 FROM payments_statementline l
    WHERE l.id = payments_candidate.line_id AND l.bucket = 'matched')
"""
