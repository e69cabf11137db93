"""The small things a provider remembers: tokens, references it has seen, throws of dice, keys."""

from __future__ import annotations

import time

from simulator.store.database import Database, DuplicateReference


class Memory:
    """Tokens, claims, dice, documents and private keys, each in a table of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_token(
        self, dialect: str, token: str, *, seconds: float, is_only: bool, delay_seconds: float = 0
    ) -> None:
        """Make a token valid after a delay; with `is_only`, every earlier one ends."""
        now = time.time()
        with self._database.transaction():
            if is_only:
                self._database.execute("DELETE FROM tokens WHERE dialect = ?", dialect)
            self._database.execute("DELETE FROM tokens WHERE expires_at <= ?", now)
            self._database.insert(
                "tokens",
                dialect=dialect,
                token=token,
                valid_from=now + delay_seconds,
                expires_at=now + delay_seconds + seconds,
            )

    def is_token(self, dialect: str, token: str) -> bool:
        row = self._database.execute(
            "SELECT 1 FROM tokens WHERE dialect = ?1 AND token = ?2"
            " AND valid_from <= ?3 AND expires_at > ?3",
            dialect,
            token,
            time.time(),
        ).fetchone()
        return row is not None

    def claim(self, dialect: str, reference: str) -> bool:
        """Whether the dialect sees that reference for the first time."""
        try:
            self._database.insert("claims", dialect=dialect, reference=reference)
        except DuplicateReference:
            return False
        return True

    def throw(self, dice: str) -> int:
        """Count one more throw of a dice; how many there were before."""
        row = self._database.execute(
            "INSERT INTO dice VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET thrown = thrown + 1"
            " RETURNING thrown",
            dice,
        ).fetchone()
        return int(row["thrown"]) - 1

    def document(self, name: str) -> str:
        """A text that was kept under that name; empty without one."""
        sql = "SELECT text FROM documents WHERE name = ?"
        row = self._database.execute(sql, name).fetchone()
        return str(row["text"]) if row else ""

    def keep_document(self, name: str, text: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", name, text)

    def key(self, name: str) -> str:
        """A private key that was made here; empty without one. A reset does not forget it."""
        row = self._database.execute("SELECT text FROM keys WHERE name = ?", name).fetchone()
        return str(row["text"]) if row else ""

    def keep_key(self, name: str, text: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", name, text)
