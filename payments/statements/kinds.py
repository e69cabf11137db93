"""What a row is, by the provider's words for it. features.md 4.2 has M-Pesa's."""

from __future__ import annotations

import re
from functools import lru_cache

from payments.models import StatementLine

Kind = StatementLine.Kind

# The first that is found decides: "Business Pay Bill Charge" is a fee, whatever else it says.
WORDS = (
    (Kind.REVERSAL, r"revers[a-z]*|[a-z]*rudish[a-z]*"),
    (Kind.FEE, r"charges?|fees?|levy|levies|commissions?|tariffs?|ada|tozo"),
    (Kind.SETTLEMENT, r"settle[a-z]*|to bank|organi[sz]ation withdrawal|kwenda benki"),
    (Kind.TOP_UP, r"top.?up|float|from bank|deposit of funds|utility to working|b2b transfer"),
    (
        Kind.DISBURSEMENT,
        r"business payment|salary payment|promotion payment|disburse[a-z]*|pay.?outs?|b2c",
    ),
    (
        Kind.COLLECTION,
        r"pay ?bill|buy ?goods|merchant pay[a-z]*|pay merchant|customer pay[a-z]*|collect[a-z]*"
        r"|bill ?pay[a-z]*|[a-z]*lipa|malipo",
    ),
)
PATTERNS = tuple(
    (kind, re.compile(rf"(?<![a-z\d])(?:{words})(?![a-z\d])", re.IGNORECASE))
    for kind, words in WORDS
)
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")  # CustomerPayBillOnline
# Where the details begin to name people and accounts, whose names say nothing of the kind.
NAMES = re.compile(r"(?:^|\s)(?:from|to|kutoka)\s|\s-\s|\sacc\b|\d{4}", re.IGNORECASE)


def kind_of(reason: str, details: str, *, is_incoming: bool, is_linked: bool) -> str:
    """The reason decides where it says anything, else the first words of the details.

    A collection comes in and a disbursement goes out: the other way round it is the reversal of the
    receipt it is linked to, or nothing that we know. Of a fee that came in the details prove nothing.
    """
    kind = _first(reason) or _of_details(details, is_incoming=is_incoming) or Kind.OTHER
    if kind == (Kind.DISBURSEMENT if is_incoming else Kind.COLLECTION):
        kind = Kind.REVERSAL if is_linked else Kind.OTHER
    return kind.value


def _of_details(details: str, *, is_incoming: bool) -> StatementLine.Kind | None:
    kind = _first(NAMES.split(details, maxsplit=1)[0])
    return None if kind == Kind.FEE and is_incoming else kind


@lru_cache(maxsize=1024)  # a file has a dozen reasons
def _first(words: str) -> StatementLine.Kind | None:
    words = HUMP.sub(" ", words)
    return next((kind for kind, pattern in PATTERNS if pattern.search(words)), None)
