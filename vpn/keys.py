"""WireGuard's X25519 keys, as base64 text."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    private: str = field(repr=False)
    public: str


def new_key_pair() -> KeyPair:
    """A fresh pair."""
    private = X25519PrivateKey.generate()
    return KeyPair(
        private=_text(private.private_bytes_raw()),
        public=_text(private.public_key().public_bytes_raw()),
    )


def new_preshared_key() -> str:
    """32 random bytes that both ends share."""
    return _text(secrets.token_bytes(32))


def is_public_key(text: str) -> bool:
    """Whether this is the canonical base64 of a public key that can be agreed with.

    A point of low order gives an all-zero shared secret with every partner (RFC 7748, section 6.1);
    the exchange refuses it.
    """
    try:
        raw = base64.b64decode(text, validate=True)
        if len(raw) != 32 or _text(raw) != text:
            return False
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(raw))
    except (ValueError, binascii.Error):
        return False
    return True


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
