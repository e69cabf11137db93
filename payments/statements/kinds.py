"""What a row is, by the provider's words for it. features.md 4.2 has M-Pesa's."""

from __future__ import annotations

import re
from functools import lru_cache

from payments.models import StatementLine

Kind = StatementLine.Kind

# The first that is found decides: "Business Pay Bill Charge" is a fee, whatever else it says.
WORDS = (
    (Kind.REVERSAL, r"revers|rudish"),
    (Kind.FEE, r"charge|\bfees?\b|\blevy\b|commission|tariff|\bada\b|\btozo\b"),
    (Kind.SETTLEMENT, r"settle|to bank|organi[sz]ation withdrawal|kwenda benki"),
    (Kind.TOP_UP, r"top.?up|\bfloat\b|from bank|deposit of funds|utility to working|b2b transfer"),
    (Kind.DISBURSEMENT, r"business payment|salary payment|promotion payment|disburse|pay.?out|b2c"),
    (
        Kind.COLLECTION,
        r"pay ?bill|buy ?goods|merchant pay|pay merchant|customer pay|collect|bill ?pay|lipa|malipo",
    ),
)
PATTERNS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in WORDS)


def kind_of(reason: str, details: str, *, is_incoming: bool, is_linked: bool) -> str:
    """The reason decides where it says anything, else the details.

    A collection comes in and a disbursement goes out: the other way round it is the reversal of the
    receipt it is linked to, or nothing that we know.
    """
    kind = _of_reason(reason) or _first(details) or Kind.OTHER
    if kind == (Kind.DISBURSEMENT if is_incoming else Kind.COLLECTION):
        kind = Kind.REVERSAL if is_linked else Kind.OTHER
    return kind.value


@lru_cache(maxsize=1024)  # a file has a dozen reasons; hardly two of its details are the same
def _of_reason(reason: str) -> StatementLine.Kind | None:
    return _first(reason)


def _first(words: str) -> StatementLine.Kind | None:
    return next((kind for kind, pattern in PATTERNS if pattern.search(words)), None)
