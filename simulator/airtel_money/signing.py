"""Message signing: the body, encrypted, is its own signature. Fact sheet 4."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulator.keys import KeyPair

_BLOCK_BITS = 128


def is_signed(body: bytes, headers: Mapping[str, str], key: KeyPair) -> bool:
    """Whether `x-signature` decrypts to this very body, with what `x-key` holds."""
    signature = _from_base64(headers.get("x-signature", ""))
    decrypt = _gcm if headers.get("v2-padding", "").lower() == "true" else _cbc
    for secret in key.decrypted(headers.get("x-key", "")):
        aes_key, _, iv = secret.partition(b":")
        try:
            plain = decrypt(_from_base64(aes_key), _from_base64(iv), signature)
        except (ValueError, InvalidTag):
            continue
        if secrets.compare_digest(plain, body):
            return True
    return False


def _cbc(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """AES/CBC/PKCS5Padding. Raises ValueError."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _gcm(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """AES/GCM/NoPadding with the tag at the end. Raises ValueError, InvalidTag."""
    return AESGCM(key).decrypt(iv, ciphertext, None)


def _from_base64(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
