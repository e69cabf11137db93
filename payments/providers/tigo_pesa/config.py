"""What the Tigo Pesa dialect needs to know of our account."""

from __future__ import annotations

from dataclasses import dataclass, field

from payments.providers.http import HttpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class TigoPesaConfig:
    """Credentials and addresses. Amounts are whole shillings.

    The paths differ by merchant; each may also be a whole URL. Tigo is told the callback URL at
    onboarding, never in a request.
    """

    api_key: str = field(repr=False)  # Tigo calls it the username
    secret: str = field(repr=False)  # and this the password
    biller_msisdn: str
    biller_code: str  # every reference on the wire starts with it
    base_url: str
    amount_min: int
    amount_max: int
    token_path: str = "/token"  # noqa: S105 - a path
    push_path: str = "/API/BillerPayment/BillerPay"
    reply_family: str = "18"  # or "30": which code a callback is acknowledged with
    http: HttpOptions = field(default_factory=HttpOptions)
