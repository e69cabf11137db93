"""The forms of the Open API's fields. Fact sheet 1.3."""

from __future__ import annotations

import re

from simulator.mpesa_openapi.codes import refusal
from simulator.provider import Json, Refused

# In the order of their check: the field, its form, and the code of what does not match.
_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "input_Amount": (re.compile(r"\d*\.?\d+"), "INS-15"),
    "input_ReversalAmount": (re.compile(r"\d*\.?\d+"), "INS-15"),
    "input_CustomerMSISDN": (re.compile(r"[0-9]{12,14}"), "INS-2051"),
    "input_Country": (re.compile(r"TZN"), "INS-21"),
    "input_Currency": (re.compile(r"TZS"), "INS-26"),
    "input_ServiceProviderCode": (re.compile(r"[0-9A-Za-z]{4,12}"), "INS-13"),
    "input_TransactionReference": (re.compile(r"[0-9a-zA-Z \w+]{1,20}", re.ASCII), "INS-17"),
    "input_ThirdPartyConversationID": (re.compile(r"[0-9a-zA-Z \w+]{1,40}", re.ASCII), "INS-28"),
    "input_PurchasedItemsDesc": (re.compile(r"[0-9a-zA-Z \w+]{1,256}", re.ASCII), "INS-30"),
    "input_PaymentItemsDesc": (re.compile(r"[0-9a-zA-Z \w+]{1,256}", re.ASCII), "INS-31"),
    "input_TransactionID": (re.compile(r"[0-9a-zA-Z]{1,20}"), "INS-18"),
    "input_QueryReference": (re.compile(r"[A-Za-z0-9]{1,32}"), "INS-21"),
}
_COMMON = ("input_Country", "input_ServiceProviderCode", "input_ThirdPartyConversationID")
C2B = (
    *_COMMON,
    "input_Amount",
    "input_CustomerMSISDN",
    "input_Currency",
    "input_TransactionReference",
    "input_PurchasedItemsDesc",
)
B2C = (*C2B[:-1], "input_PaymentItemsDesc")
REVERSAL = (*_COMMON, "input_TransactionID")
QUERY = (*_COMMON, "input_QueryReference")


def checked(given: Json, fields: tuple[str, ...], *, service_provider_code: str) -> dict[str, str]:
    """The fields as texts. Raises Refused with the code of the first that is missing or wrong."""
    texts = {name: _text(value) for name, value in given.items()}
    ours = texts.get("input_ThirdPartyConversationID", "")
    if any(not texts.get(name) for name in fields):
        raise Refused(refusal("INS-20", ours=ours))
    for name, (form, code) in _FORMS.items():
        is_asked = name in fields or name in texts
        if is_asked and not form.fullmatch(texts.get(name, "")):
            raise Refused(refusal(code, ours=ours))
    if texts.get("input_ServiceProviderCode", service_provider_code) != service_provider_code:
        raise Refused(refusal("INS-13", ours=ours))
    if "input_Amount" in fields and whole(texts["input_Amount"]) < 1:
        raise Refused(refusal("INS-15", ours=ours))
    return texts


def whole(text: str) -> int:
    """Whole shillings; 0 for a part of one."""
    number = float(text)
    return int(number) if number.is_integer() else 0


def _text(value: object) -> str:
    """A field that some clients write as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return str(value)
