"""What makes certificates a chain."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from hashlib import sha256

from payments.days.tills import Till
from payments.models import Certificate


class LinesHash:
    """SHA-256 of a day's lines as their provider tells them, added in the order of their ids."""

    def __init__(self) -> None:
        self._told = sha256()

    def add(self, pk: int, version: int, amount: int) -> None:
        self._told.update(f"{pk}|{version}|{amount}\n".encode())

    def hexdigest(self) -> str:
        return self._told.hexdigest()


def lines_hash_of(till: Till, day: date) -> str:
    """The hash of the lines that are there now."""
    told = LinesHash()
    rows = till.lines_of(day).order_by("pk").values_list("pk", "version", "amount")
    for row in rows.iterator(chunk_size=5000):
        told.add(*row)
    return told.hexdigest()


def hash_of(certificate: Certificate) -> str:
    """SHA-256 of all that a certificate says, and of the hash of the one before it."""
    row = certificate.day_close
    told = {
        "provider": row.provider,
        "kind": row.kind,
        "day": row.day.isoformat(),
        "version": certificate.version,
        "figures": certificate.figures,
        "note": certificate.note,
        "lines": certificate.lines_hash,
        "previous": certificate.previous_hash,
        "by": certificate.closed_by_id,
        "at": _written(certificate.closed_at),
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
