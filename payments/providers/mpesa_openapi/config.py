"""What the Open API dialect needs to know of our application with Vodacom Tanzania."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from payments.providers.http import HttpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MpesaOpenApiConfig:
    """Credentials and addresses. Amounts are whole shillings; `base_url` has no path.

    Vodacom is told the callback URL at onboarding, never in a request (1.4).
    """

    api_key: str = field(repr=False)
    public_key: str = field(repr=False)  # the platform's, base64 of SubjectPublicKeyInfo in DER
    service_provider_code: str
    base_url: str
    amount_min: int
    amount_max: int
    env: str = "sandbox"  # or "openapi", which is live
    market: str = "vodacomTZN"
    origin: str = "*"  # as the application's Trusted Sources have it
    mode: str = "sync"  # or "async"; Vodacom sets it, and it tells how long an answer may take
    session_delay_seconds: int = 30  # before a fresh session can be used
    session_seconds: int = 3000
    http: HttpOptions = field(default_factory=HttpOptions)


def read_public_key(text: str) -> RSAPublicKey:
    """The platform's public key; line breaks within it do no harm. Raises ValueError."""
    try:
        key = load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the public key is no base64 of a DER key") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the public key is not RSA")
    return key
