"""Bills that customers paid from their own menus, and what the merchant was asked about them."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from simulator.store.database import Database

Json = dict[str, Any]

ASKING, PAID, RETURNED = "asking", "paid", "returned"


@dataclass(frozen=True, slots=True)
class Bill:
    """`state` is `asking`, `paid` or `returned`; `words` is what the customer's phone shows."""

    id: int
    provider: str
    msisdn: str
    reference: str
    amount: int
    receipt: str
    state: str
    words: str
    questions: list[Json]
    created_at: float
    ended_at: float | None

    @property
    def about(self) -> str:
        """What calls name it by."""
        return f"bill:{self.id}"


class BillRows:
    """The table of bills."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self, *, provider: str, msisdn: str, reference: str, amount: int, receipt: str
    ) -> Bill:
        bill_id = self._database.insert(
            "bills",
            provider=provider,
            msisdn=msisdn,
            reference=reference,
            amount=amount,
            receipt=receipt,
            created_at=time.time(),
        )
        return self.get(bill_id)

    def get(self, bill_id: int) -> Bill:
        return self._where("WHERE id = ?", bill_id)[0]

    def end(self, bill_id: int, *, state: str, words: str, questions: list[Json]) -> Bill:
        self._database.execute(
            "UPDATE bills SET state = ?, words = ?, questions = ?, ended_at = ? WHERE id = ?",
            state,
            words,
            json.dumps(questions),
            time.time(),
            bill_id,
        )
        return self.get(bill_id)

    def asking(self) -> list[Bill]:
        return self._where("WHERE state = ?", ASKING)

    def last(self, limit: int) -> list[Bill]:
        """The newest first."""
        return self._where("ORDER BY id DESC LIMIT ?", limit)

    def _where(self, where: str, *values: object) -> list[Bill]:
        rows = self._database.execute(f"SELECT * FROM bills {where}", *values)  # noqa: S608 - ours
        return [_bill(row) for row in rows]


def _bill(row: sqlite3.Row) -> Bill:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates its values
    columns["questions"] = json.loads(row["questions"])
    return Bill(**columns)
