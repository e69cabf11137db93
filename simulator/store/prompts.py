"""Questions on phones: what a merchant asked for, and what became of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.phones import Outcome, Scenario
from simulator.store.database import Database

Json = dict[str, Any]

WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a merchant asked a provider to collect.

    `reference` is what the dialect knows it by and `alias` another name it answers to,
    `our_reference` the merchant's own, `names` all of them by their names on the wire, `text` what
    the phone shows beside the amount. Without a callback URL nobody is called.
    """

    provider: str
    dialect: str
    reference: str
    alias: str = ""
    our_reference: str
    names: Mapping[str, str]
    msisdn: str
    amount: int
    text: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question on a phone. `state` is `waiting` or one of the outcomes."""

    id: int
    provider: str
    dialect: str
    reference: str
    alias: str
    our_reference: str
    names: Json
    msisdn: str
    amount: int
    text: str
    callback_url: str
    scenario: Scenario
    state: str
    is_ignored: bool
    queries: int
    created_at: float
    answer_at: float | None
    expires_at: float
    late_at: float | None
    ended_at: float | None
    receipt: str | None

    @property
    def is_waiting(self) -> bool:
        return self.state == WAITING

    @property
    def about(self) -> str:
        """What calls name it by."""
        return f"prompt:{self.id}"


class PromptRows:
    """The table of prompts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self, order: Order, *, scenario: Scenario, answer_at: float | None, expires_at: float
    ) -> Prompt:
        """Raises DuplicateReference."""
        prompt_id = self._database.insert(
            "prompts",
            provider=order.provider,
            dialect=order.dialect,
            reference=order.reference,
            alias=order.alias,
            our_reference=order.our_reference,
            names=json.dumps(dict(order.names)),
            msisdn=order.msisdn,
            amount=order.amount,
            text=order.text,
            callback_url=order.callback_url,
            scenario=scenario,
            created_at=time.time(),
            answer_at=answer_at,
            expires_at=expires_at,
        )
        return self._where("WHERE id = ?", prompt_id)[0]

    def get(self, prompt_id: int) -> Prompt | None:
        return self._first("WHERE id = ?", prompt_id)

    def known_as(self, dialect: str, name: str) -> Prompt | None:
        """By its reference, its alias or its receipt."""
        return self._first(
            "WHERE dialect = ?1 AND (reference = ?2 OR alias = ?2 OR receipt = ?2)", dialect, name
        )

    def paid_with(self, provider: str, receipt: str) -> Prompt | None:
        return self._first("WHERE provider = ? AND receipt = ?", provider, receipt)

    def waiting(self) -> list[Prompt]:
        return self._where("WHERE state = ? ORDER BY id", WAITING)

    def ended(self, limit: int) -> list[Prompt]:
        """The last ones, the newest first."""
        return self._where("WHERE state <> ? ORDER BY ended_at DESC LIMIT ?", WAITING, limit)

    def due(self, now: float) -> list[Prompt]:
        """Those whose phone answers by itself now or too late, and those that have expired."""
        return self._where(
            "WHERE (state = ?1 AND (answer_at <= ?2 OR expires_at <= ?2)) OR late_at <= ?2"
            " ORDER BY id",
            WAITING,
            now,
        )

    def next_due(self) -> float | None:
        row = self._database.execute(
            "SELECT MIN(due) AS due FROM ("
            " SELECT MIN(MIN(COALESCE(answer_at, expires_at), expires_at)) AS due FROM prompts"
            " WHERE state = ? UNION ALL SELECT MIN(late_at) FROM prompts)",
            WAITING,
        ).fetchone()
        return None if row["due"] is None else float(row["due"])

    def count_query(self, prompt_id: int) -> None:
        self._database.execute("UPDATE prompts SET queries = queries + 1 WHERE id = ?", prompt_id)

    def ignore(self, prompt_id: int) -> None:
        self._database.execute("UPDATE prompts SET is_ignored = 1 WHERE id = ?", prompt_id)

    def end(
        self, prompt_id: int, outcome: Outcome, *, receipt: str | None, late_at: float | None
    ) -> None:
        """With `late_at`, the phone acts once more then."""
        self._database.execute(
            "UPDATE prompts SET state = ?, ended_at = ?, receipt = ?, late_at = ? WHERE id = ?",
            outcome,
            time.time(),
            receipt,
            late_at,
            prompt_id,
        )

    def shown_to(self, msisdn: str) -> int:
        """How many prompts that phone was shown."""
        sql = "SELECT COUNT(*) AS number FROM prompts WHERE msisdn = ?"
        return int(self._database.execute(sql, msisdn).fetchone()["number"])

    def by_state(self) -> dict[str, int]:
        rows = self._database.execute(
            "SELECT state, COUNT(*) AS number FROM prompts GROUP BY state"
        )
        return {row["state"]: row["number"] for row in rows}

    def _first(self, where: str, *values: object) -> Prompt | None:
        found = self._where(where, *values)
        return found[0] if found else None

    def _where(self, where: str, *values: object) -> list[Prompt]:
        rows = self._database.execute(f"SELECT * FROM prompts {where}", *values)  # noqa: S608 - ours
        return [_prompt(row) for row in rows]


def _prompt(row: sqlite3.Row) -> Prompt:
    columns = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row iterates its values
    columns["names"] = json.loads(row["names"])
    columns["scenario"] = Scenario(row["scenario"])
    columns["is_ignored"] = bool(row["is_ignored"])
    return Prompt(**columns)
