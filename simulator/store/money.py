"""Where the money is: customers' wallets, the merchant's accounts, and each movement between them.

A movement is signed as the merchant sees it: what comes in is positive.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from simulator.store.database import Database

Json = dict[str, Any]


class Type(StrEnum):
    """Why money moved."""

    COLLECTION = "collection"
    BILL = "bill"
    DISBURSEMENT = "disbursement"
    REFUND = "refund"
    REVERSAL = "reversal"


class Account(StrEnum):
    """The merchant's two accounts with each provider."""

    COLLECTION = "collection"
    DISBURSEMENT = "disbursement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A movement to make. `original_receipt` is what a refund or reversal takes back."""

    type: Type
    provider: str
    account: Account
    reference: str
    our_reference: str
    names: Mapping[str, str] = field(default_factory=dict)
    receipt: str
    original_receipt: str = ""
    msisdn: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money that really moved; `balance` is the account's afterwards."""

    id: int
    type: Type
    provider: str
    account: Account
    reference: str
    our_reference: str
    names: Json
    receipt: str
    original_receipt: str
    msisdn: str
    amount: int
    balance: int
    moved_at: float


class MoneyRows:
    """The tables of wallets, accounts and movements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wallet(self, msisdn: str, *, at_first: int) -> int:
        """A wallet's balance; a wallet that nobody has seen is opened with `at_first`."""
        self._database.execute("INSERT OR IGNORE INTO wallets VALUES (?, ?)", msisdn, at_first)
        sql = "SELECT balance FROM wallets WHERE msisdn = ?"
        return int(self._database.execute(sql, msisdn).fetchone()["balance"])

    def wallets(self) -> dict[str, int]:
        rows = self._database.execute("SELECT msisdn, balance FROM wallets ORDER BY msisdn")
        return {row["msisdn"]: row["balance"] for row in rows}

    def change_wallet(self, msisdn: str, by: int) -> None:
        self._database.execute(
            "UPDATE wallets SET balance = balance + ? WHERE msisdn = ?", by, msisdn
        )

    def account(self, provider: str, account: Account, *, at_first: int) -> tuple[int, int]:
        """What an account was opened with, and its balance; an unseen one is opened now."""
        self._database.execute(
            "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?)",
            provider,
            account,
            at_first,
            at_first,
        )
        row = self._database.execute(
            "SELECT opened_with, balance FROM accounts WHERE provider = ? AND account = ?",
            provider,
            account,
        ).fetchone()
        return int(row["opened_with"]), int(row["balance"])

    def move(self, move: Move) -> None:
        """Change an open account and record why. Raises DuplicateReference for a used receipt."""
        self._database.execute(
            "UPDATE accounts SET balance = balance + ? WHERE provider = ? AND account = ?",
            move.amount,
            move.provider,
            move.account,
        )
        _, balance = self.account(move.provider, move.account, at_first=0)
        self._database.insert(
            "movements",
            type=move.type,
            provider=move.provider,
            account=move.account,
            reference=move.reference,
            our_reference=move.our_reference,
            names=json.dumps(dict(move.names)),
            receipt=move.receipt,
            original_receipt=move.original_receipt,
            msisdn=move.msisdn,
            amount=move.amount,
            balance=balance,
            moved_at=time.time(),
        )

    def movements(self) -> list[Movement]:
        return self._where("ORDER BY id")

    def movements_of(self, provider: str) -> list[Movement]:
        return self._where("WHERE provider = ? ORDER BY id", provider)

    def with_receipt(self, receipt: str) -> list[Movement]:
        """More than one only if two providers wrote the same receipt."""
        return self._where("WHERE receipt = ?", receipt)

    def taken_back(self, provider: str, receipt: str) -> int:
        """How much of a movement refunds and reversals gave back."""
        row = self._database.execute(
            "SELECT COALESCE(-SUM(amount), 0) AS amount FROM movements"
            " WHERE provider = ? AND original_receipt = ?",
            provider,
            receipt,
        ).fetchone()
        return int(row["amount"])

    def _where(self, where: str, *values: object) -> list[Movement]:
        rows = self._database.execute(f"SELECT * FROM movements {where}", *values)  # noqa: S608 - ours
        return [_movement(row) for row in rows]


def _movement(row: sqlite3.Row) -> Movement:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates its values
    columns["type"] = Type(row["type"])
    columns["account"] = Account(row["account"])
    columns["names"] = json.loads(row["names"])
    return Movement(**columns)
