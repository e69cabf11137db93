"""What rows are named by: providers, and references that nobody can guess or misread."""

from __future__ import annotations

import secrets
import uuid

from django.db import models

REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 12  # what Daraja's AccountReference takes


class ProviderName(models.TextChoices):
    """The stored values of the design document."""

    VODACOM_MPESA = "vodacom_mpesa", "M-Pesa"
    TIGO_PESA = "tigo_pesa", "Tigo Pesa"
    AIRTEL_MONEY = "airtel_money", "Airtel Money"


def new_payment_id() -> str:
    return uuid.uuid4().hex


def new_reference() -> str:
    """Our own reference towards a provider: 60 random bits, letters that cannot be misread."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))


def new_callback_token() -> str:
    """160 random bits. Lower-case hexadecimal: Daraja is suspected to refuse URLs with capitals, and
    does refuse some words, which letters beyond `f` could spell.
    """
    return secrets.token_hex(20)
