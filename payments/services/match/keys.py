"""By what a line names something of ours: the strong rules, each an index's look-up."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from payments.models import Match
from payments.services.match.sides import (
    COLLECTIONS,
    COME_BACK,
    DISBURSEMENTS,
    LINKED,
    REVERSALS,
    TAKEN_BACK,
    Side,
)
from payments.services.match.sql import UNDECIDED

Rule = Match.Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A rule's condition on line `l` and other `t`.

    What `proves` is believed whatever phone and time say; what `is_handle` whatever receipt we know.
    """

    side: Side
    rule: Rule
    why: str
    on: str
    proves: bool = False
    is_handle: bool = False
    more: str = ""  # tables joined before `t`


# Letters that references never hold stand for the digits they look like; S and 5 for one another.
PLAIN_DETAILS = "UPPER(l.details)"
for _read, _meant in ((" ", ""), ("-", ""), ("O", "0"), ("I", "1"), ("L", "1"), ("S", "5")):
    PLAIN_DETAILS = f"REPLACE({PLAIN_DETAILS}, '{_read}', '{_meant}')"
REFERENCE_LENGTH = 12
# SQLite has no CHAR_LENGTH, and counts characters, not bytes, as LENGTH.
CHARACTERS = "CHAR_LENGTH" if connection.vendor == "mysql" else "LENGTH"
EVERY_PLACE = f"""JOIN told ON told.line_id = l.id
JOIN places ON places.place <= {CHARACTERS}(told.plain) - {REFERENCE_LENGTH - 1}"""
# DISTINCT lets MariaDB make the plain details once for a line, not once for each place in it.
PLACES = f"""WITH RECURSIVE places (place) AS (
  SELECT 1 UNION ALL SELECT place + 1 FROM places WHERE place < 244),
told (line_id, plain) AS (
  SELECT DISTINCT l.id, {PLAIN_DETAILS} FROM payments_statementline l WHERE {UNDECIDED})"""


def _keys(side: Side) -> tuple[Key, ...]:
    return (
        Key(
            side=side,
            rule=Rule.R1,
            why="receipt",
            on="t.provider_transaction_id = l.receipt",
            proves=True,
        ),
        Key(
            side=side,
            rule=Rule.R1,
            why="receipt, in small letters",
            on="t.provider_transaction_id = LOWER(l.receipt) AND LOWER(l.receipt) <> l.receipt",
            proves=True,
        ),
        Key(
            side=side,
            rule=Rule.R2,
            why="our reference",
            on="l.reference <> '' AND t.reference = UPPER(l.reference)",
        ),
        Key(
            side=side,
            rule=Rule.R3,
            why="our reference in the details",
            on=f"t.reference_key = SUBSTR(told.plain, places.place, {REFERENCE_LENGTH})",
            more=EVERY_PLACE,
        ),
        Key(
            side=side,
            rule=Rule.R4,
            why="another id of theirs",
            on="t.provider_reference = l.receipt",
            is_handle=True,
        ),
        Key(
            side=side,
            rule=Rule.R4,
            why="another id of theirs",
            on="l.reference <> '' AND t.provider_reference = l.reference",
        ),
    )


OF_REVERSALS = (
    Key(
        side=REVERSALS,
        rule=Rule.R1,
        why="receipt",
        on="t.provider_transaction_id = l.receipt",
        proves=True,
    ),
    Key(
        side=REVERSALS,
        rule=Rule.R8,
        why="the receipt that it reverses",
        on=f"""t.payment_id IN (SELECT c.payment_id FROM mobile_money_transactions c
    WHERE c.provider = l.provider AND c.provider_transaction_id = {LINKED})""",
        proves=True,
    ),
)
BY_THE_PROVIDER = (
    Key(
        side=TAKEN_BACK,
        rule=Rule.R8,
        why="the receipt that it reverses",
        on=f"t.provider_transaction_id = {LINKED}",
        proves=True,
    ),
    Key(
        side=COME_BACK,
        rule=Rule.R8,
        why="the receipt that it reverses",
        on=f"t.provider_transaction_id = {LINKED}",
    ),
)
AT_ONCE = (_keys(COLLECTIONS)[0], _keys(DISBURSEMENTS)[0])
KEYS = (*_keys(COLLECTIONS), *_keys(DISBURSEMENTS), *OF_REVERSALS)
