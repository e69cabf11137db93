"""The channel of a seller who owes nobody a fiscal receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bundles.fiscal.channel import Capabilities, Document, Reply, Result, Sale


class NullChannel:
    name = "null"
    capabilities = Capabilities()

    def prepare(self, sale: Sale) -> Document | None:
        return None

    def submit(self, document: Document) -> Reply:
        return Reply(Result.ACCEPTED)

    def status(self, document: Document) -> Reply | None:
        return None

    def close_day(self, device: str, day: date) -> Document | None:
        return None

    def register(self, device: str) -> None:
        return None

    def check_health(self, device: str) -> Sequence[str]:
        return ()
