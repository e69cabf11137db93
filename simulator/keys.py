"""RSA as the providers use it: what a client encrypted with a public key is read with the private."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.config import ConfigError
from simulator.store import Store

_OAEP = (
    padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
    padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), None),  # noqa: S303 - Java's default
    padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 - seen in clients
)


class KeyPair:
    """A provider's key pair."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private

    @property
    def private_text(self) -> str:
        """PKCS#8 DER in base64, one line."""
        der = self._private.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return base64.b64encode(der).decode()

    @property
    def public_text(self) -> str:
        """SubjectPublicKeyInfo DER in base64, one line: as the portals show it."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def decrypted(self, text: str, *, with_oaep: bool = True) -> list[bytes]:
        """What base64 ciphertext may mean, by PKCS#1 v1.5 and the other paddings of clients.

        PKCS#1 v1.5 never fails but answers noise for what is none, so the caller compares.
        """
        try:
            ciphertext = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return []
        found = []
        for scheme in (padding.PKCS1v15(), *(_OAEP if with_oaep else ())):
            try:
                found.append(self._private.decrypt(ciphertext, scheme))
            except ValueError:
                continue
        return found


def key_pair(store: Store, name: str, configured: str, *, bits: int) -> KeyPair:
    """The configured private key (PEM, or base64 DER), or one of our own that the store keeps.

    Raises ConfigError for a text that is no RSA key.
    """
    text = configured or store.memory.key(name)
    if text:
        return KeyPair(_read(text, name))
    made = KeyPair(rsa.generate_private_key(public_exponent=65537, key_size=bits))
    store.memory.keep_key(name, made.private_text)
    return made


def _read(text: str, name: str) -> rsa.RSAPrivateKey:
    """Whether its primes are primes is not proved: that takes longer than all else at the start."""
    try:
        if "-----BEGIN" in text:
            read = serialization.load_pem_private_key(
                text.encode(), None, unsafe_skip_rsa_key_validation=True
            )
        else:
            read = serialization.load_der_private_key(
                base64.b64decode(text), None, unsafe_skip_rsa_key_validation=True
            )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"The private key of {name} cannot be read: {error}") from error
    if not isinstance(read, rsa.RSAPrivateKey):
        raise ConfigError(f"The private key of {name} is not an RSA key.")
    return read
