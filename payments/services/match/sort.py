"""Puts each line that is left into one bucket, and writes down what is suggested."""

from __future__ import annotations

from common.transactions import retried
from payments.models import Bucket, MatchingRules
from payments.services.match.sql import UNDECIDED, Range, execute
from payments.services.match.undo import withdraw

# Of several candidates' buckets the first counts.
ORDER = (
    Bucket.DUPLICATE_LINE,
    Bucket.SUGGESTED,
    Bucket.AMBIGUOUS,
    Bucket.AMOUNT_UNDER,
    Bucket.AMOUNT_OVER,
    Bucket.DUPLICATE_PAYMENT,
    Bucket.LATE_SUCCESS,
    Bucket.STATUS_CONFLICT,
    Bucket.REVERSED,
)


@retried
def sort_lines(lines: Range, rules: MatchingRules) -> None:
    """Every line of the range into its bucket, seen by others all at once."""
    for weigh in WEIGHED:
        execute(weigh, lines, rules)
    withdraw(
        lines, rules, why="nothing speaks for it alone any more", where=f"NOT ({STILL_SUGGESTED})"
    )
    execute(AFRESH, lines, rules)
    for bucket in ORDER:
        execute(_put(bucket, NAMED.format(bucket=bucket.value)), lines, rules)
    execute(_put(Bucket.OWN_MOVEMENT, "kind IN ('settlement', 'top_up')"), lines, rules)
    execute(_put(Bucket.FEE_DIFFERENCE, "kind = 'fee'"), lines, rules)
    execute(_put(Bucket.MASKED_IDENTITY, MASKED_ONLY), lines, rules)
    execute(_put(Bucket.PAID_NO_ORDER, "1 = 1"), lines, rules)
    execute(SUGGEST, lines, rules)


def _put(bucket: Bucket, where: str) -> str:
    return f"""
UPDATE payments_statementline SET bucket = '{bucket.value}'
WHERE id BETWEEN %(low)s AND %(high)s AND bucket = 'new' AND {where}
"""


def _weigh(bucket: Bucket, where: str, among: str = "'matched', 'suggested'") -> str:
    """MySQL reads no table that it updates, but a derived one."""
    return f"""
UPDATE payments_candidate SET bucket = '{bucket.value}'
WHERE line_id BETWEEN %(low)s AND %(high)s AND bucket IN ({among})
  AND id IN (SELECT id FROM (
    SELECT c.id FROM payments_candidate c
    WHERE c.line_id BETWEEN %(low)s AND %(high)s AND {where}) weighed)
"""


def _about(condition: str, table: str = "payments_candidate o") -> str:
    """Whether the attempt or the transfer of `c` is in such a row, each by its own index."""
    return " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE {condition.format(column=column)})"
        for column in ("attempt_id", "transfer_id")
    )


UNWEIGHED = "o.bucket IN ('matched', 'suggested', 'ambiguous')"
# What was free when the candidates were looked for may have found its line since.
TAKEN = """((c.rule NOT IN ('R8', 'R9')
      AND EXISTS (SELECT 1 FROM payments_match m
        WHERE m.attempt_id = c.attempt_id AND m.holds_attempt = 1))
    OR (c.rule <> 'R9'
      AND EXISTS (SELECT 1 FROM payments_match m
        WHERE m.transfer_id = c.transfer_id AND m.holds_transfer = 1))
    OR (c.rule = 'R8' AND EXISTS (SELECT 1 FROM payments_match m
      WHERE m.attempt_id = c.attempt_id AND m.is_live AND m.state = 'confirmed' AND m.rule = 'R8')))"""
OF_REVERSAL = """EXISTS (SELECT 1 FROM payments_statementline l
    WHERE l.id = c.line_id AND l.kind = 'reversal')"""
ONCE_FREE = "'matched', 'suggested', 'amount_under', 'amount_over'"
# The same target by two rules is one; R7 names several by its nature. Of receipts that differ by
# capitals alone either may be meant, whatever their amounts.
RIVAL_FOR_LINE = f"""EXISTS (SELECT 1 FROM payments_candidate o
    WHERE o.line_id = c.line_id AND ({UNWEIGHED} OR (o.rule = 'R1' AND c.rule = 'R1'))
    AND NOT (o.rule = 'R7' AND c.rule = 'R7')
    AND (COALESCE(o.attempt_id, 0) <> COALESCE(c.attempt_id, 0)
      OR COALESCE(o.transfer_id, 0) <> COALESCE(c.transfer_id, 0)))"""
RIVAL_FOR_TARGET = _about(
    f"""o.{{column}} = c.{{column}} AND o.line_id <> c.line_id AND {UNWEIGHED}
    AND (o.rule IN ('R8', 'R9')) = (c.rule IN ('R8', 'R9'))"""
)
WEIGHED = (
    _weigh(Bucket.REVERSED, f"{TAKEN} AND {OF_REVERSAL}", ONCE_FREE),
    _weigh(Bucket.DUPLICATE_PAYMENT, f"{TAKEN} AND NOT {OF_REVERSAL}", ONCE_FREE),
    _weigh(Bucket.AMBIGUOUS, f"({RIVAL_FOR_LINE} OR {RIVAL_FOR_TARGET})"),
    _weigh(Bucket.SUGGESTED, "c.bucket = 'matched'"),
)

STILL_SUGGESTED = """EXISTS (SELECT 1 FROM payments_candidate c
    WHERE c.line_id = m.line_id AND c.bucket = 'suggested'
    AND COALESCE(c.attempt_id, 0) = COALESCE(m.attempt_id, 0)
    AND COALESCE(c.transfer_id, 0) = COALESCE(m.transfer_id, 0))"""
AFRESH = f"UPDATE payments_statementline AS l SET bucket = 'new' WHERE {UNDECIDED}"
NAMED = """EXISTS (SELECT 1 FROM payments_candidate c
    WHERE c.line_id = payments_statementline.id AND c.bucket = '{bucket}')"""
MASKED_ONLY = """kind IN ('collection', 'other') AND amount > 0 AND reference = ''
    AND (msisdn LIKE '%%*%%' OR msisdn LIKE '%%x%%')"""
SUGGEST = """
INSERT INTO payments_match (line_id, attempt_id, transfer_id, rule, state, why, at, is_live)
SELECT c.line_id, c.attempt_id, c.transfer_id, c.rule, 'suggested', c.why, %(now)s, 1
FROM payments_statementline l
JOIN payments_candidate c ON c.line_id = l.id AND c.bucket = 'suggested'
WHERE l.id BETWEEN %(low)s AND %(high)s AND l.bucket = 'suggested'
  AND NOT EXISTS (SELECT 1 FROM payments_match m
    WHERE m.line_id = l.id AND m.is_live AND m.state = 'suggested'
    AND COALESCE(c.attempt_id, 0) = COALESCE(m.attempt_id, 0)
    AND COALESCE(c.transfer_id, 0) = COALESCE(m.transfer_id, 0))
  AND NOT EXISTS (SELECT 1 FROM payments_candidate s
    WHERE s.line_id = c.line_id AND s.id < c.id AND s.bucket = 'suggested'
    AND COALESCE(s.attempt_id, 0) = COALESCE(c.attempt_id, 0)
    AND COALESCE(s.transfer_id, 0) = COALESCE(c.transfer_id, 0))
"""
