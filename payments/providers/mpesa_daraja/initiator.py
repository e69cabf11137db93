"""Who orders outgoing money: the initiator's name, and the password under the provider's key (2.6)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from payments.providers.mpesa_daraja.config import MpesaDarajaConfig

PEM_BEGINS = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class Initiator:
    """What each order carries. The credential may be used again and again."""

    name: str
    credential: str = field(repr=False)


def initiator(config: MpesaDarajaConfig) -> Initiator | None:
    """The initiator, where one is set up.

    None too with a certificate that cannot be read: a system check tells it, and collecting goes on.
    """
    if not (config.initiator_name and config.initiator_password and config.certificate):
        return None
    try:
        credential = security_credential(config.initiator_password, config.certificate)
    except ValueError:
        return None
    return Initiator(config.initiator_name, credential)


def security_credential(password: str, certificate: str) -> str:
    """The password as only the provider can read it.

    The certificate is PEM text, line breaks written as `\\n` or not, or the path of a file with it.
    Raises ValueError with the reason in words.
    """
    try:
        key = load_pem_x509_certificate(_pem(certificate)).public_key()
    except UnsupportedAlgorithm as error:
        raise ValueError("its key is of an unknown kind") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("its key is no RSA key")
    return b64encode(key.encrypt(password.encode(), PKCS1v15())).decode()


def _pem(certificate: str) -> bytes:
    if PEM_BEGINS in certificate:
        return certificate.replace("\\n", "\n").encode()
    try:
        return Path(certificate).read_bytes()
    except OSError as error:
        raise ValueError(error.strerror) from error
