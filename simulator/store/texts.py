"""SMS that reached a provider, as phones show them."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from simulator.phones import Receiving
from simulator.store.database import Database


@dataclass(frozen=True, slots=True)
class Text:
    """One SMS, sent and charged as so many `parts`. `recipient` is what the merchant calls its reader, in
    JSON.
    """

    id: int
    gateway: str
    reference: str
    sender: str
    msisdn: str
    recipient: str
    text: str
    parts: int
    receiving: Receiving
    created_at: float

    @property
    def about(self) -> str:
        """What calls name it by."""
        return f"text:{self.id}"

    @property
    def is_read(self) -> bool:
        """Whether it is on the phone."""
        return self.receiving is not Receiving.UNDELIVERED


class TextRows:
    """The table of SMS."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        gateway: str,
        reference: str,
        sender: str,
        msisdn: str,
        recipient: str,
        text: str,
        parts: int,
        receiving: Receiving,
    ) -> Text:
        text_id = self._database.insert(
            "texts",
            gateway=gateway,
            reference=reference,
            sender=sender,
            msisdn=msisdn,
            recipient=recipient,
            text=text,
            parts=parts,
            receiving=receiving,
            created_at=time.time(),
        )
        return self._where("WHERE id = ?", text_id)[0]

    def last(self, count: int) -> list[Text]:
        """The newest first."""
        return self._where("ORDER BY id DESC LIMIT ?", count)

    def to(self, msisdn: str) -> list[Text]:
        """What one phone got, the oldest first."""
        return self._where("WHERE msisdn = ? ORDER BY id", msisdn)

    def of(self, gateway: str, reference: str) -> list[Text]:
        """Those of one request."""
        return self._where("WHERE gateway = ? AND reference = ? ORDER BY id", gateway, reference)

    def charged(self, gateway: str) -> int:
        """How many parts in all."""
        sql = "SELECT COALESCE(SUM(parts), 0) AS parts FROM texts WHERE gateway = ?"
        return int(self._database.execute(sql, gateway).fetchone()["parts"])

    def _where(self, where: str, *values: object) -> list[Text]:
        rows = self._database.execute(f"SELECT * FROM texts {where}", *values)  # noqa: S608 - ours
        return [_text(row) for row in rows]


def _text(row: sqlite3.Row) -> Text:
    return Text(**{**dict(row), "receiving": Receiving(row["receiving"])})
