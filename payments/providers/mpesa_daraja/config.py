"""What the Daraja dialect needs to know of our account with M-Pesa."""

from __future__ import annotations

from dataclasses import dataclass, field

from payments.providers.http import HttpOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class MpesaDarajaConfig:
    """Credentials and addresses. Amounts are whole shillings; `base_url` has no path.

    Disbursing and reversing need the initiator's name and password and the certificate; "" for none.
    """

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
    initiator_name: str = ""
    initiator_password: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)  # the provider's: PEM text, or a file's path
    result_url: str = field(default="", repr=False)  # may hold a secret path, as callback_url
    http: HttpOptions = field(default_factory=HttpOptions)

    def result_address(self, callback_token: str) -> str:
        """Where a transfer's result is sent."""
        return self._address(f"result/{callback_token}")

    def timeout_address(self, callback_token: str) -> str:
        """What is called when a transfer's request was given up waiting in the provider's queue."""
        return self._address(f"timeout/{callback_token}")

    @property
    def validation_address(self) -> str:
        return self._address("validation")

    @property
    def confirmation_address(self) -> str:
        return self._address("confirmation")

    def _address(self, path: str) -> str:
        return f"{self.result_url.rstrip('/')}/{path}"
