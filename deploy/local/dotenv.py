"""The `.env` of `make run`: secrets made once, which fit our server and the simulator alike."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import environ
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from deploy.local.ports import free_port

PORT, SIMULATOR_PORT = 8000, 8100  # the ports that the URLs in `.env` are written with
AIRTEL_KEY_BITS = 1024  # what PKCS#1 v1.5, their usual padding, goes with
CERTIFICATE_DAYS = 3650

TEMPLATE = """\
# Written by the first `make run` with secrets of its own, and never changed by it afterwards.
# `.env.example` explains each variable; one that is set in the environment wins over this file.

SECRET_KEY={secret_key}
FIELD_ENCRYPTION_KEYS={encryption_key}
# An embedded Redis is started at this address, unless one answers there already.
REDIS_URL=redis://:{redis_password}@127.0.0.1:{redis_port}/0
# Tigo's callbacks, M-Pesa's bills and reports of SMS are unsigned: a secret path makes them evidence.
WEBHOOK_TOKENS=tigo_pesa:{tigo_token},mpesa_daraja:{mpesa_token},beem:{beem_token},africastalking:{africastalking_token}

# The simulator is the three providers of money. `make run PORT=… SIMULATOR_PORT=…` moves these URLs along.
MPESA_CONSUMER_KEY={mpesa_key}
MPESA_CONSUMER_SECRET={mpesa_secret}
MPESA_BUSINESS_SHORTCODE=600100
MPESA_PASSKEY={mpesa_passkey}
MPESA_BASE_URL={simulator}
MPESA_CALLBACK_URL={server}/api/webhooks/mpesa
MPESA_INITIATOR_NAME=konektika
MPESA_INITIATOR_PASSWORD={mpesa_initiator_password}
MPESA_CERTIFICATE="{mpesa_certificate}"
MPESA_RESULT_URL={server}/api/webhooks/in/{mpesa_token}
SIMULATOR_MPESA_PRIVATE_KEY={mpesa_private_key}

# M-Pesa's other dialect is simulated beside it: MPESA_DIALECT=openapi to try it.
MPESA_DIALECT=daraja
MPESA_OPENAPI_API_KEY={openapi_key}
MPESA_OPENAPI_PUBLIC_KEY={openapi_public_key}
MPESA_OPENAPI_SERVICE_PROVIDER_CODE=000000
MPESA_OPENAPI_BASE_URL={simulator}
SIMULATOR_MPESA_OPENAPI_PRIVATE_KEY={openapi_private_key}

TIGO_PESA_API_KEY={tigo_key}
TIGO_PESA_SECRET={tigo_secret}
TIGO_PESA_BILLER_MSISDN=255710000100
TIGO_PESA_BILLER_CODE=KNK
TIGO_PESA_BASE_URL={simulator}/tigo
TIGO_PESA_CALLBACK_URL={server}/api/webhooks/in/{tigo_token}
TIGO_PESA_DISBURSE_URL={simulator}/tigo/a2w
TIGO_PESA_DISBURSE_MSISDN=255710000200
TIGO_PESA_DISBURSE_PIN={tigo_pin}
TIGO_PESA_COMPANY_NAME=600200
SIMULATOR_TIGO_PESA_W2A_URL={server}/api/webhooks/in/{tigo_token}/w2a

AIRTEL_CLIENT_ID={airtel_id}
AIRTEL_CLIENT_SECRET={airtel_secret}
AIRTEL_CALLBACK_KEY={airtel_callback_key}
AIRTEL_BASE_URL={simulator}
AIRTEL_CALLBACK_URL={server}/api/webhooks/airtel-money
AIRTEL_DISBURSEMENT_PIN={airtel_pin}
AIRTEL_PUBLIC_KEY={airtel_public_key}
SIMULATOR_AIRTEL_PRIVATE_KEY={airtel_private_key}

# SMS go by the simulator, whose phones show them; SMS_CHANNEL=console writes them to the log.
SMS_CHANNEL=beem
BEEM_API_KEY={beem_key}
BEEM_SECRET_KEY={beem_secret}
BEEM_SENDER=KONEKTIKA
BEEM_BASE_URL={simulator}/beem
SIMULATOR_BEEM_REPORT_URL={server}/api/webhooks/in/{beem_token}
AFRICASTALKING_USERNAME=konektika
AFRICASTALKING_API_KEY={africastalking_key}
AFRICASTALKING_SENDER=KONEKTIKA
AFRICASTALKING_BASE_URL={simulator}/africastalking
SIMULATOR_AFRICASTALKING_REPORT_URL={server}/api/webhooks/in/{africastalking_token}

# The demo accounts' password.
DEMO_PASSWORD={demo_password}
"""


def write_once(path: Path) -> bool:
    """Write the file, readable by its owner only. Returns False where one exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_with_secrets())
    return True


def effective(path: Path, explicit: Mapping[str, str]) -> dict[str, str]:
    """The file's variables under the explicit ones, its URLs at the ports that are chosen.

    `PORT` and `SIMULATOR_PORT` are always in the result.
    """
    variables = _read(path)
    chosen = {**variables, **explicit}
    port = chosen.get("PORT") or str(PORT)
    simulator_port = chosen.get("SIMULATOR_PORT") or str(SIMULATOR_PORT)
    ports = {PORT: port, SIMULATOR_PORT: simulator_port}
    moved = {name: _moved(value, ports) for name, value in variables.items()}
    return {**moved, **explicit, "PORT": port, "SIMULATOR_PORT": simulator_port}


def _read(path: Path) -> dict[str, str]:
    """The file's variables, read by the parser that the settings use."""
    variables: dict[str, str] = {}
    reader: Any = type("Reader", (environ.Env,), {"ENVIRON": variables})
    reader.read_env(str(path))
    return variables


def _moved(url: str, ports: Mapping[int, str]) -> str:
    """A URL at one of the old ports of this machine at its new one; any other value as it is."""
    for old_port, new_port in ports.items():
        old = f"http://127.0.0.1:{old_port}"
        if url == old or url.startswith(f"{old}/"):
            return f"http://127.0.0.1:{new_port}{url.removeprefix(old)}"
    return url


def _with_secrets() -> str:
    mpesa, openapi, airtel = _key(2048), _key(2048), _key(AIRTEL_KEY_BITS)
    return TEMPLATE.format(
        server=f"http://127.0.0.1:{PORT}",
        simulator=f"http://127.0.0.1:{SIMULATOR_PORT}",
        secret_key=secrets.token_urlsafe(48),
        encryption_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        redis_password=secrets.token_hex(16),
        redis_port=free_port(),
        tigo_token=secrets.token_urlsafe(24),
        mpesa_token=secrets.token_urlsafe(24),
        mpesa_key=secrets.token_hex(16),
        mpesa_secret=secrets.token_hex(16),
        mpesa_passkey=secrets.token_hex(32),
        mpesa_initiator_password=secrets.token_hex(16),
        mpesa_certificate=_certificate(mpesa),
        mpesa_private_key=_private(mpesa),
        openapi_key=secrets.token_hex(16),
        openapi_public_key=_public(openapi),
        openapi_private_key=_private(openapi),
        tigo_key=f"konektika-{secrets.token_hex(4)}",
        tigo_secret=secrets.token_hex(16),
        tigo_pin=_pin(),
        airtel_id=secrets.token_hex(16),
        airtel_secret=secrets.token_hex(16),
        airtel_callback_key=secrets.token_hex(16),
        airtel_pin=_pin(),
        airtel_public_key=_public(airtel),
        airtel_private_key=_private(airtel),
        beem_token=secrets.token_urlsafe(24),
        beem_key=secrets.token_hex(8),
        beem_secret=secrets.token_hex(32),
        africastalking_token=secrets.token_urlsafe(24),
        africastalking_key=secrets.token_hex(32),
        demo_password=f"demo-{secrets.token_hex(4)}",
    )


def _pin() -> str:
    return f"{secrets.randbelow(10**4):04d}"


def _key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _private(key: rsa.RSAPrivateKey) -> str:
    """For the simulator: PKCS#8 DER in base64, one line."""
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return base64.b64encode(der).decode()


def _public(key: rsa.RSAPrivateKey) -> str:
    """For our side, as the portals show it: SubjectPublicKeyInfo DER in base64, one line."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def _certificate(key: rsa.RSAPrivateKey) -> str:
    """A PEM certificate without its line breaks: `.env` has one line, and readers need none."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Konektika simulator")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode().replace("\n", "")
