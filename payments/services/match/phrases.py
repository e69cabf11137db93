"""Conditions that several rules share, as pieces of SQL."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from payments.models import MatchingRules
from payments.services.match.keys import Key
from payments.services.match.sides import Side
from payments.services.match.sql import moved_by

RECEIPT_KNOWN = """(t.provider_transaction_id IS NOT NULL AND t.provider_transaction_id <> ''
      AND UPPER(TRIM(t.provider_transaction_id)) <> l.receipt)"""
# Staff have said that it is not this one.
REFUSED = """EXISTS (SELECT 1 FROM payments_match u
      WHERE u.line_id = l.id AND u.{column} = t.id AND u.state = 'undone' AND u.by_id IS NOT NULL)"""
# While a table grows MariaDB does not know of how many rows it is, and might read them all for each.
BY_RECEIPT = "FORCE INDEX (line_once)" if connection.vendor == "mysql" else ""
# The same receipt again, on another account or as another kind: one movement told twice, if that one
# moved money too. An index alone tells of the first.
ITS_RECEIPT_AGAIN = f"""SELECT 1 FROM payments_statementline o {BY_RECEIPT}
      WHERE o.receipt = l.receipt AND o.provider = l.provider AND o.id <> l.id
      AND o.is_incoming = l.is_incoming AND o.kind <> 'fee'"""
TOLD_TWICE = f"EXISTS ({ITS_RECEIPT_AGAIN} AND o.moves_money)"
MASK = "REPLACE(REPLACE(REPLACE(REPLACE(l.msisdn, '+', ''), '*', '%%'), 'x', '%%'), 'X', '%%')"


def phone_fits(side: Side) -> str:
    """Whether the line's phone, whole or masked, can be ours; one that the line lacks can."""
    return f"(l.msisdn = '' OR REPLACE({side.phone}, '+', '') LIKE {MASK})"


def in_time(side: Side, rules: MatchingRules) -> str:
    """Whether it was completed when it can have been."""
    earliest = moved_by(side.created, "-", timedelta(minutes=rules.early_minutes))
    latest = moved_by(side.created, "+", timedelta(hours=rules.window_hours))
    return f"l.completed_at BETWEEN {earliest} AND {latest}"


def bucket_of(key: Key, rules: MatchingRules) -> str:
    """Which bucket a line that names `t` by this key is for; "matched" where all agrees."""
    side = key.side
    agrees = ["1 = 1"] if key.proves else [phone_fits(side), in_time(side, rules)]
    if not (key.proves or key.is_handle):
        agrees.append(f"NOT {RECEIPT_KNOWN}")
    twice = f"WHEN {TOLD_TWICE} THEN 'duplicate_line'" if key.rule == "R1" else ""
    return f"""CASE {twice}
      WHEN {side.taken} THEN '{side.again}'
      {side.otherwise}
      WHEN {side.expected} BETWEEN {side.amount} + 1 AND {side.amount} + %(suggest_under)s
        THEN 'suggested'
      WHEN {side.amount} < {side.expected} THEN 'amount_under'
      WHEN {side.amount} > {side.expected} THEN 'amount_over'
      WHEN {" AND ".join(agrees)} THEN 'matched'
      ELSE 'suggested' END"""
