"""Finds what each line that is left may be of, with the bucket that this speaks for."""

from __future__ import annotations

from datetime import timedelta

from common.transactions import retried
from payments.models import MatchingRules
from payments.services.match.keys import BY_THE_PROVIDER, KEYS, PLACES, Key
from payments.services.match.phrases import REFUSED, bucket_of, phone_fits
from payments.services.match.sides import COLLECTIONS, DISBURSEMENTS, Side
from payments.services.match.sql import UNDECIDED, Range, execute, moved_by

# Its last three digits are there to be compared.
MASKED = """(l.msisdn LIKE '%%*%%' OR l.msisdn LIKE '%%x%%')
  AND SUBSTR(l.msisdn, -3) NOT LIKE '%%*%%' AND SUBSTR(l.msisdn, -3) NOT LIKE '%%x%%'"""
NO_NAMED = """NOT EXISTS (SELECT 1 FROM payments_candidate o
    WHERE o.line_id = l.id AND o.rule <> 'R5')"""
NO_OTHER = "NOT EXISTS (SELECT 1 FROM payments_candidate o WHERE o.line_id = l.id)"


@retried
def find_named(lines: Range, rules: MatchingRules) -> None:
    """Candidates by receipt, reference and other ids, for a range's lines; the old ones go."""
    execute(
        "DELETE FROM payments_candidate WHERE line_id BETWEEN %(low)s AND %(high)s", lines, rules
    )
    for key in KEYS:
        execute(_by_key(key, rules), lines, rules)
    for key in BY_THE_PROVIDER:
        execute(_by_key(key, rules, only=NO_OTHER), lines, rules)


@retried
def find_alike(lines: Range, rules: MatchingRules) -> None:
    """Candidates by phone, amount and time (R5), and of several orders (R7), where nothing is named."""
    for side in (COLLECTIONS, DISBURSEMENTS):
        execute(_by_whole_phone(side, rules), lines, rules)
        execute(_by_masked_phone(side, rules), lines, rules)
    execute(_of_several_orders(rules), lines, rules)


def _by_key(key: Key, rules: MatchingRules, only: str = "1 = 1") -> str:
    side = key.side
    return f"""
INSERT INTO payments_candidate (line_id, {side.column}, rule, bucket, why)
{PLACES if key.more else ""}
SELECT DISTINCT l.id, t.id, '{key.rule}', {bucket_of(key, rules)},
  CASE WHEN {side.amount} = {_worth(side)} THEN '{key.why}, amount' ELSE '{key.why}' END
FROM payments_statementline l {key.more}
JOIN {side.table} ON {key.on} AND t.provider = l.provider
{side.joined}
WHERE {UNDECIDED} AND l.moves_money AND l.currency = 'TZS' AND {side.lines} AND {side.only}
  AND NOT {REFUSED.format(column=side.column)} AND {only}
"""


def _alike(side: Side, rules: MatchingRules, *, phone: str, fits: str, why: str) -> str:
    """Only what is untaken: of money that has its line another line says nothing."""
    return f"""
INSERT INTO payments_candidate (line_id, {side.column}, rule, bucket, why)
SELECT l.id, t.id, 'R5', CASE {side.otherwise} ELSE 'suggested' END, '{why}, amount, time'
FROM payments_statementline l
JOIN {side.table} ON {phone} AND t.provider = l.provider AND {_asked_in_time(side, rules)}
{side.joined}
WHERE {UNDECIDED} AND l.moves_money AND l.currency = 'TZS' AND {side.lines} AND {side.only}
  AND {fits} AND {side.amount} = {_worth(side)}
  AND NOT {side.taken} AND NOT {REFUSED.format(column=side.column)} AND {NO_NAMED}
"""


def _by_whole_phone(side: Side, rules: MatchingRules) -> str:
    return _alike(
        side, rules, phone=f"{side.phone} = l.msisdn", fits="l.msisdn LIKE '+%%'", why="phone"
    )


def _by_masked_phone(side: Side, rules: MatchingRules) -> str:
    """Found by its last three digits, which a mask leaves."""
    return _alike(
        side,
        rules,
        phone="t.phone_tail = SUBSTR(l.msisdn, -3)",
        fits=f"{MASKED} AND {phone_fits(side)}",
        why="masked phone",
    )


def _of_several_orders(rules: MatchingRules) -> str:
    """R7: all of a phone's open orders of the time together are what the line brought."""
    side = COLLECTIONS
    open_orders = f"""FROM {side.table} {side.joined}
    WHERE {side.phone} = l.msisdn AND t.provider = l.provider AND t.status <> 'failed'
      AND {_asked_in_time(side, rules)} AND NOT {side.taken}"""
    worth = "COALESCE(p.paid_amount, p.amount - p.from_credit)"
    return f"""
INSERT INTO payments_candidate (line_id, attempt_id, rule, bucket, why)
SELECT l.id, t.id, 'R7', 'suggested', 'phone, time, and the sum of all its open orders'
FROM payments_statementline l
JOIN {side.table} ON {side.phone} = l.msisdn AND t.provider = l.provider
{side.joined}
WHERE {UNDECIDED} AND l.moves_money AND l.currency = 'TZS' AND {side.lines}
  AND l.msisdn LIKE '+%%' AND {_asked_in_time(side, rules)} AND t.status <> 'failed'
  AND NOT {side.taken} AND NOT {REFUSED.format(column=side.column)}
  AND NOT EXISTS (SELECT 1 FROM payments_candidate o WHERE o.line_id = l.id AND o.rule <> 'R7')
  AND l.amount = (SELECT SUM({worth}) {open_orders})
  AND 1 < (SELECT COUNT(*) {open_orders})
"""


def _worth(side: Side) -> str:
    """What came or went, or was to."""
    return f"CASE WHEN {side.done} THEN {side.expected} ELSE {side.asked} END"


def _asked_in_time(side: Side, rules: MatchingRules) -> str:
    """Whether it was asked when the line can be of it: bounds of our own time, which has an index."""
    earliest = moved_by("l.completed_at", "-", timedelta(hours=rules.window_hours))
    latest = moved_by("l.completed_at", "+", timedelta(minutes=rules.early_minutes))
    return f"{side.created} BETWEEN {earliest} AND {latest}"
