"""Tanzanian mobile numbers: parsed to E.164, shown masked, written as providers want them."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from common.errors import DomainError

COUNTRY_CODE = 255
MOBILE = re.compile(r"[67]\d{8}", re.ASCII)
WITHIN_TEXT = re.compile(r"(?<!\d)((?:\+?255|0)?[67]\d{2})\d{3}(\d{3})(?!\d)", re.ASCII)
PUNCTUATION = "-().\u2212/"
# Blanks, hyphens, and what is not seen, such as marks of direction that come with a pasted number.
UNREAD_CATEGORIES = {"Zs", "Pd", "Cf"}


class InvalidPhoneNumber(DomainError):
    code = "invalid_phone_number"


def parse(text: str) -> str:
    """A number in any usual form as E.164, `+2557XXXXXXXX`.

    Takes `+255…`, `255…`, `00255…`, `0…` and the nine digits alone, with blanks, dashes and slashes of
    any kind, also as a link (`tel:`). Raises InvalidPhoneNumber for a foreign, premium or malformed
    number.
    """
    digits = without_punctuation(text).removeprefix("tel:")
    if not digits.isascii() or not digits.removeprefix("+").isdigit():
        raise _invalid()
    if digits.startswith("255") and len(digits) == 12:
        digits = f"+{digits}"
    elif digits.startswith("00"):
        digits = f"+{digits[2:]}"
    try:
        number = phonenumbers.parse(digits, "TZ")
    except phonenumbers.NumberParseException as error:
        raise _invalid() from error
    # Not libphonenumber's list of ranges: new ones open before the library knows them.
    if number.country_code != COUNTRY_CODE or not MOBILE.fullmatch(str(number.national_number)):
        raise _invalid()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def without_punctuation(text: str) -> str:
    """What is left of a typed or pasted number when blanks, dashes and the like are taken out."""
    return "".join(each for each in text if _is_read(each)).strip()


def msisdn(e164: str) -> str:
    """Twelve digits without the plus, as most providers write it."""
    return e164.removeprefix("+")


def mask(e164: str) -> str:
    """A number that can be shown in logs: `+255754***456`."""
    return f"{e164[:-6]}***{e164[-3:]}"


def mask_within(text: str) -> str:
    """The text with every run of digits masked that could be a number: `"msisdn": "255754***456"`."""
    return WITHIN_TEXT.sub(r"\1***\2", text)


def _is_read(character: str) -> bool:
    return character not in PUNCTUATION and unicodedata.category(character) not in UNREAD_CATEGORIES


def _invalid() -> InvalidPhoneNumber:
    return InvalidPhoneNumber("Enter a Tanzanian mobile number, such as 0754 123 456.")
