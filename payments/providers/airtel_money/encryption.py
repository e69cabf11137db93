"""Airtel's cryptography: the encrypted PIN and signed messages (Airtel fact sheet, 4 and 9)."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_public_key

ARMOUR = re.compile(r"-----[A-Z ]+-----")
AES_KEY_BYTES = 32
AES_BLOCK_BYTES = 16
OAEP_KEY_BITS_MIN = 2048  # with a smaller key Airtel pads by PKCS #1 v1.5

PKCS1 = "pkcs1"
OAEP_SHA1 = "oaep-sha1"
OAEP_SHA256 = "oaep-sha256"


def public_key(text: str) -> RSAPublicKey:
    """The RSA key of a base64 text, with or without PEM's lines around it. Raises ValueError."""
    try:
        key = load_der_public_key(b64decode("".join(ARMOUR.sub("", text).split()), validate=True))
    except UnsupportedAlgorithm as error:
        raise ValueError("a key of an unknown kind") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def encrypted(plain: bytes, key: RSAPublicKey, padding_name: str) -> str:
    """In base64. Raises ValueError where the padding leaves no room for it in the key."""
    return b64encode(key.encrypt(plain, _padding(padding_name))).decode()


def signature_headers(body: bytes, key: RSAPublicKey, padding_name: str) -> dict[str, str]:
    """What proves that these very bytes are ours; `padding_name` "" goes by the key's size.

    Airtel decrypts x-signature by the AES key in x-key and compares it with the body (4).
    Raises ValueError as `encrypted` does.
    """
    aes_key, vector = os.urandom(AES_KEY_BYTES), os.urandom(AES_BLOCK_BYTES)
    opening = b64encode(aes_key) + b":" + b64encode(vector)
    return {
        "x-signature": signature(body, aes_key, vector),
        "x-key": encrypted(opening, key, padding_name or _usual_padding(key)),
    }


def signature(body: bytes, aes_key: bytes, vector: bytes) -> str:
    """The body encrypted by AES-256-CBC, in base64."""
    padder = PKCS7(algorithms.AES.block_size).padder()
    encryptor = Cipher(algorithms.AES(aes_key), modes.CBC(vector)).encryptor()
    padded = padder.update(body) + padder.finalize()
    return b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def _usual_padding(key: RSAPublicKey) -> str:
    return OAEP_SHA256 if key.key_size >= OAEP_KEY_BITS_MIN else PKCS1


def _padding(name: str) -> padding.AsymmetricPadding:
    if name == PKCS1:
        return padding.PKCS1v15()
    algorithm = hashes.SHA256() if name == OAEP_SHA256 else hashes.SHA1()  # noqa: S303 - Airtel's
    return padding.OAEP(mgf=padding.MGF1(algorithm), algorithm=algorithm, label=None)
