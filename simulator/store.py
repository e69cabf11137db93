"""What the simulator remembers, in one SQLite file: prompts, wallets, movements, callbacks, tokens.

Every method is one transaction. Times are seconds since the epoch, amounts whole shillings.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.phones import Outcome, Scenario

Json = dict[str, Any]

WAITING = "waiting"

_VERSION = 1  # of the schema and of the behaviour; a file of another version is begun anew
_TABLES = ("callbacks", "movements", "wallets", "prompts", "tokens", "behaviour")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    names TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    text TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    scenario TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    is_ignored INTEGER NOT NULL DEFAULT 0,
    queries INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    answer_at REAL,
    expires_at REAL NOT NULL,
    ended_at REAL,
    receipt TEXT,
    UNIQUE (provider, reference)
);
CREATE TABLE IF NOT EXISTS wallets (
    msisdn TEXT PRIMARY KEY,
    balance INTEGER NOT NULL CHECK (balance >= 0)
);
CREATE TABLE IF NOT EXISTS movements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt INTEGER NOT NULL UNIQUE REFERENCES prompts (id),
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    names TEXT NOT NULL,
    receipt TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    moved_at REAL NOT NULL,
    UNIQUE (provider, receipt)
);
CREATE TABLE IF NOT EXISTS callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    prompt INTEGER NOT NULL REFERENCES prompts (id),
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    due_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    status INTEGER,
    answer TEXT
);
CREATE TABLE IF NOT EXISTS tokens (
    provider TEXT NOT NULL,
    token TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (provider, token)
);
CREATE TABLE IF NOT EXISTS behaviour (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    settings TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS prompts_waiting ON prompts (state, expires_at);
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (started_at, due_at);
CREATE INDEX IF NOT EXISTS callbacks_prompt ON callbacks (prompt);
"""


class DuplicateReference(Exception):
    """The provider has a prompt with that reference already."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a merchant asked a provider to collect.

    `reference` is what the provider knows it by, `names` all references of both sides by their
    names on the wire, `text` what the phone shows beside the amount.
    """

    provider: str
    reference: str
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
    reference: str
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
    ended_at: float | None
    receipt: str | None

    @property
    def is_waiting(self) -> bool:
        return self.state == WAITING


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
    prompt: int
    request: CallbackRequest
    due_at: float
    started_at: float | None
    ended_at: float | None
    status: int | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that really moved from a customer's wallet to the merchant."""

    provider: str
    reference: str
    names: Json
    receipt: str
    msisdn: str
    amount: int
    moved_at: float


class Store:
    """Opens the file, or makes it with its folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # A crash of the machine may cost the last moments; a crash of this process costs nothing.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for table in _TABLES:
                self._db.execute(f"DROP TABLE IF EXISTS {table}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def reset(self) -> None:
        """Forget everything, tokens and behaviour included."""
        with self._transaction():
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    # Prompts

    def open_prompt(
        self, order: Order, *, scenario: Scenario, answer_at: float | None, expires_at: float
    ) -> Prompt:
        """Raises DuplicateReference."""
        try:
            cursor = self._db.execute(
                "INSERT INTO prompts (provider, reference, names, msisdn, amount, text,"
                " callback_url, scenario, created_at, answer_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    order.provider,
                    order.reference,
                    json.dumps(dict(order.names)),
                    order.msisdn,
                    order.amount,
                    order.text,
                    order.callback_url,
                    scenario,
                    time.time(),
                    answer_at,
                    expires_at,
                ),
            )
        except sqlite3.IntegrityError as error:
            raise DuplicateReference(order.reference) from error
        found = self.prompt(cursor.lastrowid or 0)
        assert found is not None  # noqa: S101 - just written
        return found

    def prompt(self, prompt_id: int) -> Prompt | None:
        rows = self._prompts("WHERE id = ?", prompt_id)
        return rows[0] if rows else None

    def prompt_by_reference(self, provider: str, reference: str) -> Prompt | None:
        rows = self._prompts("WHERE provider = ? AND reference = ?", provider, reference)
        return rows[0] if rows else None

    def waiting_prompts(self) -> list[Prompt]:
        return self._prompts("WHERE state = ? ORDER BY id", WAITING)

    def ended_prompts(self, limit: int) -> list[Prompt]:
        """The last ones, the newest first."""
        return self._prompts("WHERE state <> ? ORDER BY ended_at DESC LIMIT ?", WAITING, limit)

    def due_prompts(self, now: float) -> list[Prompt]:
        """Waiting ones whose phone answers by itself now, or that have expired."""
        return self._prompts(
            "WHERE state = ? AND (answer_at <= ? OR expires_at <= ?) ORDER BY id", WAITING, now, now
        )

    def count_query(self, prompt_id: int) -> None:
        self._db.execute("UPDATE prompts SET queries = queries + 1 WHERE id = ?", (prompt_id,))

    def ignore_prompt(self, prompt_id: int) -> None:
        self._db.execute("UPDATE prompts SET is_ignored = 1 WHERE id = ?", (prompt_id,))

    def end_prompt(
        self,
        prompt: Prompt,
        outcome: Outcome,
        *,
        receipt: str | None,
        callbacks: Sequence[CallbackRequest],
        due_at: float,
    ) -> list[Callback]:
        """End a waiting prompt; with a receipt the money moves in the same transaction."""
        now = time.time()
        with self._transaction():
            self._db.execute(
                "UPDATE prompts SET state = ?, ended_at = ?, receipt = ? WHERE id = ?",
                (outcome, now, receipt, prompt.id),
            )
            if receipt:
                self._move(prompt, receipt, now)
            return [self._queue(prompt, request, due_at) for request in callbacks]

    def _move(self, prompt: Prompt, receipt: str, now: float) -> None:
        self._db.execute(
            "UPDATE wallets SET balance = balance - ? WHERE msisdn = ?",
            (prompt.amount, prompt.msisdn),
        )
        self._db.execute(
            "INSERT INTO movements (prompt, provider, reference, names, receipt, msisdn, amount,"
            " moved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                prompt.id,
                prompt.provider,
                prompt.reference,
                json.dumps(prompt.names),
                receipt,
                prompt.msisdn,
                prompt.amount,
                now,
            ),
        )

    def _queue(self, prompt: Prompt, request: CallbackRequest, due_at: float) -> Callback:
        cursor = self._db.execute(
            "INSERT INTO callbacks (prompt, url, headers, body, due_at) VALUES (?, ?, ?, ?, ?)",
            (prompt.id, request.url, json.dumps(dict(request.headers)), request.body, due_at),
        )
        return self._callbacks("WHERE id = ?", cursor.lastrowid)[0]

    def _prompts(self, where: str, *values: object) -> list[Prompt]:
        rows = self._db.execute(f"SELECT * FROM prompts {where}", values)  # noqa: S608 - ours
        return [_prompt(row) for row in rows]

    # Money

    def balance(self, msisdn: str, *, at_first: int) -> int:
        """A wallet's balance; a wallet that nobody has seen is opened with `at_first`."""
        self._db.execute("INSERT OR IGNORE INTO wallets VALUES (?, ?)", (msisdn, at_first))
        row = self._db.execute("SELECT balance FROM wallets WHERE msisdn = ?", (msisdn,)).fetchone()
        return int(row["balance"])

    def wallets(self) -> dict[str, int]:
        rows = self._db.execute("SELECT msisdn, balance FROM wallets ORDER BY msisdn")
        return {row["msisdn"]: row["balance"] for row in rows}

    def movements(self) -> list[Movement]:
        rows = self._db.execute("SELECT * FROM movements ORDER BY id")
        return [_movement(row) for row in rows]

    def prompts_by_state(self) -> dict[str, int]:
        rows = self._db.execute("SELECT state, COUNT(*) AS number FROM prompts GROUP BY state")
        return {row["state"]: row["number"] for row in rows}

    # Callbacks

    def due_callbacks(self, now: float) -> list[Callback]:
        return self._callbacks("WHERE started_at IS NULL AND due_at <= ? ORDER BY id", now)

    def callbacks_of(self, prompt_id: int) -> list[Callback]:
        return self._callbacks("WHERE prompt = ? ORDER BY id", prompt_id)

    def start_callback(self, callback_id: int) -> bool:
        """Claim it, so that it is sent once. False when it was claimed before."""
        cursor = self._db.execute(
            "UPDATE callbacks SET started_at = ? WHERE id = ? AND started_at IS NULL",
            (time.time(), callback_id),
        )
        return cursor.rowcount == 1

    def end_callback(self, callback_id: int, *, status: int | None, answer: str) -> None:
        self._db.execute(
            "UPDATE callbacks SET ended_at = ?, status = ?, answer = ? WHERE id = ?",
            (time.time(), status, answer, callback_id),
        )

    def _callbacks(self, where: str, *values: object) -> list[Callback]:
        rows = self._db.execute(f"SELECT * FROM callbacks {where}", values)  # noqa: S608 - ours
        return [_callback(row) for row in rows]

    def next_due(self) -> float | None:
        """When something has to happen next by itself."""
        row = self._db.execute(
            "SELECT MIN(due) AS due FROM ("
            " SELECT MIN(MIN(COALESCE(answer_at, expires_at), expires_at)) AS due FROM prompts"
            " WHERE state = ? UNION ALL"
            " SELECT MIN(due_at) FROM callbacks WHERE started_at IS NULL)",
            (WAITING,),
        ).fetchone()
        return None if row["due"] is None else float(row["due"])

    # Tokens

    def keep_token(self, provider: str, token: str, *, seconds: float, is_only: bool) -> None:
        """Make a token valid; with `is_only`, every earlier one of the provider ends."""
        with self._transaction():
            if is_only:
                self._db.execute("DELETE FROM tokens WHERE provider = ?", (provider,))
            self._db.execute("DELETE FROM tokens WHERE expires_at <= ?", (time.time(),))
            self._db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?)", (provider, token, time.time() + seconds)
            )

    def is_token(self, provider: str, token: str) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM tokens WHERE provider = ? AND token = ? AND expires_at > ?",
            (provider, token, time.time()),
        ).fetchone()
        return row is not None

    # Behaviour

    def behaviour(self) -> Json:
        row = self._db.execute("SELECT settings FROM behaviour").fetchone()
        settings: Json = json.loads(row["settings"]) if row else {}
        return settings

    def keep_behaviour(self, settings: Json) -> None:
        self._db.execute("INSERT OR REPLACE INTO behaviour VALUES (1, ?)", (json.dumps(settings),))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN to COMMIT of one `with` block; an error takes everything back."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, error: object, *_: object) -> None:
        self._db.execute("ROLLBACK" if error else "COMMIT")


def _prompt(row: sqlite3.Row) -> Prompt:
    return Prompt(
        id=row["id"],
        provider=row["provider"],
        reference=row["reference"],
        names=json.loads(row["names"]),
        msisdn=row["msisdn"],
        amount=row["amount"],
        text=row["text"],
        callback_url=row["callback_url"],
        scenario=Scenario(row["scenario"]),
        state=row["state"],
        is_ignored=bool(row["is_ignored"]),
        queries=row["queries"],
        created_at=row["created_at"],
        answer_at=row["answer_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        receipt=row["receipt"],
    )


def _callback(row: sqlite3.Row) -> Callback:
    return Callback(
        id=row["id"],
        prompt=row["prompt"],
        request=CallbackRequest(row["url"], json.loads(row["headers"]), row["body"]),
        due_at=row["due_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        status=row["status"],
        answer=row["answer"],
    )


def _movement(row: sqlite3.Row) -> Movement:
    return Movement(
        provider=row["provider"],
        reference=row["reference"],
        names=json.loads(row["names"]),
        receipt=row["receipt"],
        msisdn=row["msisdn"],
        amount=row["amount"],
        moved_at=row["moved_at"],
    )
