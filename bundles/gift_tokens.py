"""The secret in a gift's link: only its hash is kept."""

from __future__ import annotations

import hashlib


def hash_of(token: str) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
