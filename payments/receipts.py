"""Receipt numbers as customers type them, or within a provider's whole SMS. Pure."""

from __future__ import annotations

import re
import unicodedata

from common import phone as phones
from payments.errors import ReceiptNotRead

PASTED_MAX = 1000  # characters; the longest SMS has fewer
TYPED = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]{4,38})[A-Z0-9]", re.ASCII | re.IGNORECASE)
# Airtel's and Tigo's dotted form first: a full stop also ends a sentence.
DOTTED = r"[A-Z]{2}[0-9]{6}\.[0-9]{4}\.[A-Z][0-9]{4,6}"
NUMBER = rf"({DOTTED}|[A-Z0-9]{{8,40}})\b"
LABEL = (
    r"(?:TID|Txn\.?\s*ID|Trans(?:action)?\.?\s*ID|Receipt(?:\s+(?:no|number))?|Risiti"
    r"|Muamala(?:\s+(?:no|namba))?|Kumbukumbu(?:\s+(?:no|namba))?|Utambulisho wa muamala)"
    r"(?:\s+(?:yangu|my|ni|is))*"
)
IN_SMS = (
    re.compile(rf"\b{NUMBER}\s+(?:Imethibitishwa|Confirmed)\b", re.ASCII | re.IGNORECASE),
    re.compile(rf"\b{LABEL}[\s.:#=]*{NUMBER}", re.ASCII | re.IGNORECASE),
    re.compile(rf"\b({DOTTED})\b", re.ASCII | re.IGNORECASE),
)


def read_receipt(text: str) -> str:
    """The one receipt number in what a customer has typed or pasted, as it is written there.

    Raises ReceiptNotRead, also where an SMS names more than one number.
    """
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf").strip()
    if TYPED.fullmatch(seen):
        if not _can_be_one(seen):
            raise ReceiptNotRead("This is no receipt number. It is in the provider's SMS.")
        return seen
    numbers = (str(number) for shape in IN_SMS for number in shape.findall(seen))
    found = {number for number in numbers if _can_be_one(number)}
    if len({number.upper() for number in found}) != 1:
        raise ReceiptNotRead(
            "We cannot tell the receipt number in this text. Enter the number alone."
        )
    return min(found)


def _can_be_one(number: str) -> bool:
    """A word has no digit; a phone number is no receipt."""
    if not any(each.isdigit() for each in number):
        return False
    try:
        phones.parse(number)
    except phones.InvalidPhoneNumber:
        return True
    return False
