"""A provider's statement: what really happened to the merchant's money, line by line."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from typing import Any

from simulator.bank import Bank
from simulator.store import Store
from simulator.store.money import Account, Movement

Json = dict[str, Any]

EAST_AFRICA = timezone(timedelta(hours=3))
FEE = 0
COLUMNS = (
    "receipt",
    "reference",
    "type",
    "account",
    "msisdn",
    "amount",
    "fee",
    "balance",
    "time",
    "original_receipt",
)


def statement(provider: str, store: Store, bank: Bank) -> Json:
    """Both accounts with their balances, and the lines in order; `balance` is the account's."""
    accounts = {account: bank.account(provider, account) for account in Account}
    return {
        "provider": provider,
        "currency": "TZS",
        "accounts": {
            account: {"opening": balance.opened_with, "closing": balance.now}
            for account, balance in accounts.items()
        },
        "lines": [_line(movement) for movement in store.money.movements_of(provider)],
    }


def as_csv(content: Json) -> str:
    """The lines under the names of the columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(content["lines"])
    return text.getvalue()


def _line(movement: Movement) -> Json:
    moved_at = datetime.fromtimestamp(movement.moved_at, EAST_AFRICA)
    return {
        "receipt": movement.receipt,
        "reference": movement.our_reference,
        "type": movement.type,
        "account": movement.account,
        "msisdn": movement.msisdn,
        "amount": movement.amount,
        "fee": FEE,
        "balance": movement.balance,
        "time": moved_at.isoformat(timespec="seconds"),
        "original_receipt": movement.original_receipt,
    }
