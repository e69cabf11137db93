"""The one SQLite file: its tables, and transactions that may stand within one another.

Times are seconds since the epoch, amounts whole shillings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSION = 4  # of the schema and of the behaviour; a file of another version is begun anew
_TABLES = (  # all but the keys: whoever was given a public key keeps it
    "calls",
    "movements",
    "accounts",
    "wallets",
    "bills",
    "texts",
    "transfers",
    "prompts",
    "claims",
    "tokens",
    "dice",
    "documents",
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS prompts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    dialect TEXT NOT NULL,
    reference TEXT NOT NULL,
    alias TEXT NOT NULL,
    our_reference TEXT NOT NULL,
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
    late_at REAL,
    ended_at REAL,
    receipt TEXT,
    UNIQUE (dialect, reference)
);
CREATE TABLE IF NOT EXISTS transfers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    dialect TEXT NOT NULL,
    type TEXT NOT NULL,
    reference TEXT NOT NULL,
    alias TEXT NOT NULL,
    our_reference TEXT NOT NULL,
    names TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount INTEGER NOT NULL,
    original_receipt TEXT NOT NULL,
    scenario TEXT NOT NULL,
    reason TEXT NOT NULL,
    receipt TEXT,
    created_at REAL NOT NULL,
    UNIQUE (dialect, type, reference)
);
CREATE TABLE IF NOT EXISTS bills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    receipt TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'asking',
    words TEXT NOT NULL DEFAULT '',
    questions TEXT NOT NULL DEFAULT '[]',
    created_at REAL NOT NULL,
    ended_at REAL,
    UNIQUE (provider, receipt)
);
CREATE TABLE IF NOT EXISTS texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    gateway TEXT NOT NULL,
    reference TEXT NOT NULL,
    sender TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    recipient TEXT NOT NULL,
    text TEXT NOT NULL,
    parts INTEGER NOT NULL,
    receiving TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS wallets (
    msisdn TEXT PRIMARY KEY,
    balance INTEGER NOT NULL CHECK (balance >= 0)
);
CREATE TABLE IF NOT EXISTS accounts (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    opened_with INTEGER NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    PRIMARY KEY (provider, account)
);
CREATE TABLE IF NOT EXISTS movements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    reference TEXT NOT NULL,
    our_reference TEXT NOT NULL,
    names TEXT NOT NULL,
    receipt TEXT NOT NULL,
    original_receipt TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    balance INTEGER NOT NULL,
    moved_at REAL NOT NULL,
    UNIQUE (provider, receipt)
);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    about TEXT NOT NULL,
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
    dialect TEXT NOT NULL,
    token TEXT NOT NULL,
    valid_from REAL NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (dialect, token)
);
CREATE TABLE IF NOT EXISTS claims (
    dialect TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (dialect, reference)
);
CREATE TABLE IF NOT EXISTS dice (
    name TEXT PRIMARY KEY,
    thrown INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS documents (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS prompts_waiting ON prompts (state, expires_at);
CREATE INDEX IF NOT EXISTS prompts_msisdn ON prompts (msisdn);
CREATE INDEX IF NOT EXISTS prompts_alias ON prompts (dialect, alias);
CREATE INDEX IF NOT EXISTS prompts_receipt ON prompts (dialect, receipt);
CREATE INDEX IF NOT EXISTS texts_msisdn ON texts (msisdn);
CREATE INDEX IF NOT EXISTS transfers_alias ON transfers (dialect, alias);
CREATE INDEX IF NOT EXISTS transfers_receipt ON transfers (dialect, receipt);
CREATE INDEX IF NOT EXISTS movements_original ON movements (provider, original_receipt);
CREATE INDEX IF NOT EXISTS calls_due ON calls (started_at, due_at);
CREATE INDEX IF NOT EXISTS calls_about ON calls (about);
"""


class DuplicateReference(Exception):
    """The provider has something with that reference already."""


class Database:
    """Opens the file, or makes it with its folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A crash of the machine may cost the last moments; a crash of this process costs nothing.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._begin_anew()
        self._connection.executescript(_SCHEMA)
        self._depth = 0

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def insert(self, table: str, **columns: object) -> int:
        """The new row's id. Raises DuplicateReference when a unique key is taken."""
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        try:
            cursor = self.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - our own names
                *columns.values(),
            )
        except sqlite3.IntegrityError as error:
            raise DuplicateReference(str(error)) from error
        return cursor.lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one within another is a part of it."""
        if self._depth == 0:
            self.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self.execute("COMMIT")

    def empty(self) -> None:
        with self.transaction():
            for table in _TABLES:
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def close(self) -> None:
        self._connection.close()

    def _begin_anew(self) -> None:
        old = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for row in old:
            self._connection.execute(f'DROP TABLE "{row["name"]}"')
        self._connection.execute(f"PRAGMA user_version = {_VERSION}")
