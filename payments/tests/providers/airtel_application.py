"""An application with Airtel Money for the tests: fake credentials, real keys, plain envelopes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.http import TokenStore
from payments.tests.providers.contract import BASE_URL

PIN = "73-91"  # with a character that stands in no address or key by chance
TOKEN_URL = f"{BASE_URL}/auth/oauth2/token"
SECRETS = ("fake-client-id", "fake-client-secret", "fake-callback-key", PIN)
SMALL_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the size that Airtel's v1 has
LARGE_KEY = rsa.generate_private_key(65537, 2048)
PKCS1 = padding.PKCS1v15()
OAEP = {
    name: padding.OAEP(padding.MGF1(algorithm), algorithm, None)
    for name, algorithm in (
        ("oaep-sha1", hashes.SHA1()),  # noqa: S303 - one of the two that Airtel may mean
        ("oaep-sha256", hashes.SHA256()),
    )
}


def public_text(key: rsa.RSAPrivateKey) -> str:
    """The public half as Airtel gives it out: base64 of its DER form."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def application(tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> AirtelMoney:
    settings: dict[str, Any] = {
        "client_id": "fake-client-id",
        "client_secret": "fake-client-secret",
        "base_url": base_url,
        "amount_min": 1,
        "amount_max": 3_000_000,
        "callback_key": "fake-callback-key",
        "disbursement_pin": PIN,
        "public_key": public_text(SMALL_KEY),
    }
    return AirtelMoney(AirtelMoneyConfig(**{**settings, **changes}), tokens)


def envelope(
    response_code: str = "", result_code: str = "", status: str = "", **changes: Any
) -> dict[str, Any]:
    """An answer with these codes, and with a transaction where it has a status."""
    body: dict[str, Any] = {"code": "400", "message": "words", "success": False, **changes}
    if response_code:
        body["response_code"] = response_code
    if result_code:
        body["result_code"] = result_code
    transaction = {"transaction": {"id": "PAY123DEF456", "status": status}} if status else {}
    return {"data": transaction, "status": body}
