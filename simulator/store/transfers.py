"""Money that the merchant sends: disbursements, refunds and reversals, done or refused."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.phones import Payout
from simulator.store.database import Database
from simulator.store.money import Type

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a merchant told a provider to send. `reference` is unique for the dialect and the type.

    `names` are the references by their names on the wire, and what the result has to echo.
    """

    provider: str
    dialect: str
    type: Type
    reference: str
    alias: str = ""
    our_reference: str
    names: Mapping[str, str] = field(default_factory=dict)
    msisdn: str
    amount: int
    original_receipt: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """An instruction and its end: a receipt, or the reason why nothing was sent."""

    id: int
    provider: str
    dialect: str
    type: Type
    reference: str
    alias: str
    our_reference: str
    names: Json
    msisdn: str
    amount: int
    original_receipt: str
    scenario: Payout
    reason: str
    receipt: str | None
    created_at: float

    @property
    def is_paid(self) -> bool:
        return not self.reason

    @property
    def about(self) -> str:
        """What calls name it by."""
        return f"transfer:{self.id}"


class TransferRows:
    """The table of transfers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, instruction: Instruction, *, scenario: Payout, reason: str, receipt: str | None
    ) -> Transfer:
        """Raises DuplicateReference."""
        transfer_id = self._database.insert(
            "transfers",
            provider=instruction.provider,
            dialect=instruction.dialect,
            type=instruction.type,
            reference=instruction.reference,
            alias=instruction.alias,
            our_reference=instruction.our_reference,
            names=json.dumps(dict(instruction.names)),
            msisdn=instruction.msisdn,
            amount=instruction.amount,
            original_receipt=instruction.original_receipt,
            scenario=scenario,
            reason=reason,
            receipt=receipt,
            created_at=time.time(),
        )
        return self._where("WHERE id = ?", transfer_id)[0]

    def has(self, dialect: str, type_: Type, reference: str) -> bool:
        return bool(
            self._where(
                "WHERE dialect = ? AND type = ? AND reference = ?", dialect, type_, reference
            )
        )

    def known_as(self, dialect: str, name: str) -> Transfer | None:
        """By its reference, its alias or its receipt."""
        found = self._where(
            "WHERE dialect = ?1 AND (reference = ?2 OR alias = ?2 OR receipt = ?2) ORDER BY id",
            dialect,
            name,
        )
        return found[0] if found else None

    def last(self, limit: int) -> list[Transfer]:
        """The newest first."""
        return self._where("ORDER BY id DESC LIMIT ?", limit)

    def refused(self) -> list[Transfer]:
        return self._where("WHERE reason <> '' ORDER BY id")

    def _where(self, where: str, *values: object) -> list[Transfer]:
        rows = self._database.execute(f"SELECT * FROM transfers {where}", *values)  # noqa: S608 - ours
        return [_transfer(row) for row in rows]


def _transfer(row: sqlite3.Row) -> Transfer:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates its values
    columns["type"] = Type(row["type"])
    columns["names"] = json.loads(row["names"])
    columns["scenario"] = Payout(row["scenario"])
    return Transfer(**columns)
