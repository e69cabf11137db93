"""Predicts a provider from a phone number: a first guess, as numbers can be carried over.

`networks.json` is the table (Tanzania's fact sheet, section 2).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from common import phone as phones
from payments.errors import UnknownProvider
from payments.models import ProviderName

WORK_IT_OUT = frozenset({"", "auto", "pesapal"})  # the released app always says "pesapal"


def chosen(*words: str | None) -> str:
    """The first provider that is named, or "auto". Raises UnknownProvider for any other word."""
    named = [word for word in words if word and word not in WORK_IT_OUT]
    if not all(word in ProviderName.values for word in named):
        raise UnknownProvider("Choose M-Pesa, Tigo Pesa or Airtel Money.")
    return named[0] if named else "auto"


def provider_for(*, requested: str, phone: str) -> str:
    """The provider asked for, or the one predicted from an E.164 number.

    Raises UnknownProvider for another word, or when the number tells nothing.
    """
    if (named := chosen(requested)) != "auto":
        return named
    predicted = networks().get("0" + phones.msisdn(phone)[3:5])
    if predicted is None:
        raise UnknownProvider(
            "We cannot tell this number's provider. Choose M-Pesa, Tigo Pesa or Airtel Money."
        )
    return predicted


@cache
def networks() -> dict[str, str]:
    """The provider of each prefix, such as `075`."""
    table: dict[str, str] = json.loads(
        Path(__file__).with_name("networks.json").read_text(encoding="utf-8")
    )
    return table
