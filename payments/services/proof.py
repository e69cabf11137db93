"""Whether a delivery proves what it says, or is only a hint."""

from __future__ import annotations

from payments.models import WebhookDelivery
from payments.providers.base import Notice, Provider, Signature

Trust = WebhookDelivery.Trust


def proof_of(
    delivery: WebhookDelivery, notice: Notice, provider: Provider, own_token: str = ""
) -> str | None:
    """What makes the delivery evidence, in words; None when it is only a hint.

    `own_token` is the secret of the attempt or transfer that it names. A wrong signature, or a missing
    one where the dialect signs, is mended by no path and no source.
    """
    if notice.signature == Signature.VALID:
        return "its signature"
    if notice.signature == Signature.WRONG or provider.description.signs_callbacks:
        return None
    if delivery.trust == Trust.QUARANTINED:
        return None
    if own_token and delivery.attempt_token == own_token:
        return "the secret token in its path"
    return {Trust.SECRET_PATH: "the secret path", Trust.ALLOWED_SOURCE: "its source"}.get(
        Trust(delivery.trust)
    )


def why_no_proof(delivery: WebhookDelivery, notice: Notice, provider: Provider) -> str:
    """In words for staff."""
    if notice.signature == Signature.WRONG:
        return "its signature is wrong"
    if provider.description.signs_callbacks:
        return "it is not signed"
    if delivery.trust == Trust.QUARANTINED:
        return "its source is outside the allow-list"
    return "nothing says that the provider sent it"
