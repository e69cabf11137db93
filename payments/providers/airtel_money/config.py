"""What the Airtel Money dialect needs to know of our application."""

from __future__ import annotations

from dataclasses import dataclass, field

from payments.providers.http import HttpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class AirtelMoneyConfig:
    """Credentials and addresses. Amounts are whole shillings; `base_url` has no path.

    Airtel is told the callback URL in its portal, never in a request.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    base_url: str
    amount_min: int
    amount_max: int
    country: str = "TZ"
    currency: str = "TZS"
    callback_key: str = field(default="", repr=False)  # "" when callbacks are not signed
    hash_form: str = "auto"  # or "transaction", "wrapped", "raw": what the hash is taken over
    collection_version: str = "1"  # or "2"; of the refund too
    disbursement_version: str = "2"  # or "1", "3"
    disbursement_pin: str = field(default="", repr=False)  # with the public key: we disburse
    public_key: str = ""  # encrypts the PIN; base64 of its DER form, or PEM
    pin_padding: str = ""  # "pkcs1", "oaep-sha1" or "oaep-sha256"; "": as the fact sheet has it
    message_signing: bool = False
    http: HttpOptions = field(default_factory=HttpOptions)
