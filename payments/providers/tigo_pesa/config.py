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
    disburse_url: str = ""  # the whole address; with the next two: we disburse
    disburse_msisdn: str = ""  # our disbursement account
    disburse_pin: str = field(default="", repr=False)
    disburse_brand_id: str = ""  # set where Tigo has given one: the newer form of the request
    disburse_type: str = "REQMFICI"  # or "REQMFCI": copies of the document differ (trap 1)
    http: HttpOptions = field(default_factory=HttpOptions)
