"""Why a customer's wish cannot be met, as the customer is told."""

from __future__ import annotations

from common.errors import DomainError


class NoReceipt(DomainError):
    """Only what was paid and bought has a receipt."""

    code = "no_receipt"
    status = 409


class NotAskable(DomainError):
    """Nothing of the payment can go back."""

    code = "not_refundable"
    status = 409


class AlreadyDecided(DomainError):
    code = "already_decided"
    status = 409
