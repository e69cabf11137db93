"""What a run's seed decides for one phone, for every process that asks."""

from __future__ import annotations

import hashlib


def is_chosen(seed: int, wish: str, phone: str, percent: int) -> bool:
    """Whether something befalls a phone in this run: the same for every process that asks."""
    digest = hashlib.sha256(f"{seed} {wish} {phone}".encode()).digest()
    return int.from_bytes(digest[:4]) % 100 < percent
