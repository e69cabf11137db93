"""System checks of the providers' settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.urls import Resolver404, resolve

from notifications.channels.registry import REPORTS
from payments.models import ProviderName
from payments.providers import registry
from payments.providers.airtel_money.encryption import public_key as airtel_public_key
from payments.providers.mpesa_daraja.initiator import security_credential
from payments.providers.mpesa_openapi.config import read_public_key


def check_providers(**_: Any) -> list[checks.CheckMessage]:
    """`payments.E001` half a set of credentials, `E002` a bad amount range, `E003` a bad token,
    `E004` half of what disbursing needs, `E005` a certificate that cannot be read, `E006` a chosen
    dialect without credentials, `E007` a bad public key, `E008` Airtel's key that cannot be read,
    `E009` an account of no provider,
    `W001` a callback URL that this server does not answer.
    """
    found: list[checks.CheckMessage] = [
        *_certificate_errors(),
        *_check_mpesa_dialect(),
        *_check_mpesa_public_key(),
    ]
    connections: dict[str, bool] = {}  # each prefix once: M-Pesa's two dialects share theirs
    for dialect in registry.DIALECTS:
        missing = [name for name in dialect.credentials if not getattr(settings, name)]
        if missing and len(missing) < len(dialect.credentials):
            found.append(
                checks.Error(
                    f"{dialect.provider.label} has only some of its settings: "
                    f"{', '.join(missing)} missing.",
                    hint="Set all of them, or none to leave the provider out.",
                    id="payments.E001",
                )
            )
        wanting = [name for name in dialect.disbursing if not getattr(settings, name)]
        if wanting and len(wanting) < len(dialect.disbursing):
            found.append(
                checks.Error(
                    f"{dialect.provider.label} has only some of the settings for sending money: "
                    f"{', '.join(wanting)} missing.",
                    hint="Set all of them, or none to neither disburse nor reverse by it.",
                    id="payments.E004",
                )
            )
        connections[dialect.prefix] = connections.get(dialect.prefix, False) or not missing
    for prefix, is_set in connections.items():
        connection = getattr(settings, f"{prefix}_CONNECTION")
        if connection["amount_min"] > connection["amount_max"]:
            found.append(
                checks.Error(
                    f"{prefix}_AMOUNT_MIN is larger than {prefix}_AMOUNT_MAX.",
                    hint="Both are whole shillings.",
                    id="payments.E002",
                )
            )
        callback_url = getattr(settings, f"{prefix}_CALLBACK_URL")
        if is_set and not _is_a_webhook(callback_url):
            found.append(
                checks.Warning(
                    f"{prefix}_CALLBACK_URL leads to no webhook of this server.",
                    hint="Its path is one of /api/webhooks/…; see README and docs/architecture.md.",
                    id="payments.W001",
                )
            )
    known = [*(dialect.name for dialect in registry.DIALECTS), *REPORTS]
    for dialect_name in settings.WEBHOOK_TOKENS.values():
        if dialect_name not in known:
            found.append(
                checks.Error(
                    f"WEBHOOK_TOKENS names {dialect_name}, which calls nobody.",
                    hint=f"Known: {', '.join(known)}.",
                    id="payments.E003",
                )
            )
    for provider in settings.DISBURSEMENT_TILLS.values():
        if provider not in ProviderName.values:
            found.append(
                checks.Error(
                    f"DISBURSEMENT_TILLS names {provider}, which is no provider.",
                    hint=f"Known: {', '.join(ProviderName.values)}.",
                    id="payments.E009",
                )
            )
    if settings.AIRTEL_PUBLIC_KEY and not _is_a_key(settings.AIRTEL_PUBLIC_KEY):
        found.append(
            checks.Error(
                "AIRTEL_PUBLIC_KEY is not an RSA public key.",
                hint="Copy the key from Airtel's portal: base64, with or without its PEM lines.",
                id="payments.E008",
            )
        )
    return found


def _certificate_errors() -> list[checks.CheckMessage]:
    password, certificate = settings.MPESA_INITIATOR_PASSWORD, settings.MPESA_CERTIFICATE
    if not certificate:
        return []
    try:
        security_credential(password, certificate)
    except ValueError as error:
        return [
            checks.Error(
                f"MPESA_CERTIFICATE cannot be used: {error}.",
                hint="Name the provider's certificate in PEM form, or write its text.",
                id="payments.E005",
            )
        ]
    return []


def _check_mpesa_dialect() -> list[checks.CheckMessage]:
    chosen = settings.MPESA_DIALECT
    dialect = next((each for each in registry.DIALECTS if each.name == f"mpesa_{chosen}"), None)
    if dialect is None or all(getattr(settings, name) for name in dialect.credentials):
        return []
    return [
        checks.Error(
            f"MPESA_DIALECT is {chosen}, whose settings are not all there.",
            hint=f"Set {', '.join(dialect.credentials)}, or leave MPESA_DIALECT empty.",
            id="payments.E006",
        )
    ]


def _check_mpesa_public_key() -> list[checks.CheckMessage]:
    if not settings.MPESA_OPENAPI_PUBLIC_KEY:
        return []
    try:
        read_public_key(settings.MPESA_OPENAPI_PUBLIC_KEY)
    except ValueError as error:
        return [
            checks.Error(
                f"MPESA_OPENAPI_PUBLIC_KEY is malformed: {error}.",
                hint="Copy it from Vodacom's portal: base64 that begins with MII, without PEM lines.",
                id="payments.E007",
            )
        ]
    return []


def _is_a_key(text: str) -> bool:
    try:
        airtel_public_key(text)
    except ValueError:
        return False
    return True


def _is_a_webhook(url: str) -> bool:
    """Whether the URL's path is one of ours."""
    try:
        return (resolve(urlsplit(url).path).url_name or "").startswith("webhook-")
    except Resolver404:
        return False
