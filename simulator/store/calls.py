"""Calls to the merchant that are due or were made."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.store.database import Database


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """One call to the merchant as it goes over the wire."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Callback:
    """A call that is due or was made. Without a status, `answer` says what went wrong."""

    id: int
    about: str
    request: CallbackRequest
    due_at: float
    started_at: float | None
    ended_at: float | None
    status: int | None
    answer: str | None


class CallRows:
    """The table of calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(self, about: str, request: CallbackRequest, *, due_at: float) -> Callback:
        call_id = self._database.insert(
            "calls",
            about=about,
            url=request.url,
            headers=json.dumps(dict(request.headers)),
            body=request.body,
            due_at=due_at,
        )
        return self._where("WHERE id = ?", call_id)[0]

    def due(self, now: float) -> list[Callback]:
        return self._where("WHERE started_at IS NULL AND due_at <= ? ORDER BY due_at, id", now)

    def next_due(self) -> float | None:
        sql = "SELECT MIN(due_at) AS due FROM calls WHERE started_at IS NULL"
        due = self._database.execute(sql).fetchone()["due"]
        return None if due is None else float(due)

    def about(self, what: str) -> list[Callback]:
        return self._where("WHERE about = ? ORDER BY id", what)

    def start(self, call_id: int) -> bool:
        """Claim it, so that it is sent once. False when it was claimed before."""
        cursor = self._database.execute(
            "UPDATE calls SET started_at = ? WHERE id = ? AND started_at IS NULL",
            time.time(),
            call_id,
        )
        return cursor.rowcount == 1

    def end(self, call_id: int, *, status: int | None, answer: str) -> None:
        self._database.execute(
            "UPDATE calls SET ended_at = ?, status = ?, answer = ? WHERE id = ?",
            time.time(),
            status,
            answer,
            call_id,
        )

    def _where(self, where: str, *values: object) -> list[Callback]:
        rows = self._database.execute(f"SELECT * FROM calls {where}", *values)  # noqa: S608 - ours
        return [_callback(row) for row in rows]


def _callback(row: sqlite3.Row) -> Callback:
    return Callback(
        id=row["id"],
        about=row["about"],
        request=CallbackRequest(row["url"], json.loads(row["headers"]), row["body"]),
        due_at=row["due_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        status=row["status"],
        answer=row["answer"],
    )
