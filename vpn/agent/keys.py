"""WireGuard's X25519 keys, as base64 text."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def new_private_key() -> str:
    """What `wg genkey` prints, on a machine that may have no `wg`."""
    return base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def public_key(private_key: str) -> str:
    """What `wg pubkey` makes of it. Raises ValueError for what is no key."""
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key, validate=True))
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def is_key(text: str) -> bool:
    """Whether this is 32 bytes in canonical base64, as WireGuard's tools read and write them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return False
    return len(raw) == 32 and base64.b64encode(raw).decode() == text
