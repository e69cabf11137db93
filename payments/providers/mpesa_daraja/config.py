"""What the Daraja dialect needs to know of our account with M-Pesa."""

from __future__ import annotations

from dataclasses import dataclass, field

from payments.providers.http import HttpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MpesaDarajaConfig:
    """Credentials and addresses. Amounts are whole shillings; `base_url` has no path."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    business_shortcode: str
    passkey: str = field(repr=False)
    callback_url: str = field(repr=False)  # may hold a secret path; the attempt's token is appended
    base_url: str
    amount_min: int
    amount_max: int
    transaction_type: str = "CustomerPayBillOnline"
    till_number: str = ""  # receives the money of CustomerBuyGoodsOnline; else the short code does
    http: HttpOptions = field(default_factory=HttpOptions)
