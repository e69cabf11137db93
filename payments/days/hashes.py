"""What makes certificates a chain."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256

from payments.models import Certificate


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
