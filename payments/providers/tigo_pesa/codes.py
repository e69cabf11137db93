"""What Tigo's ResponseCodes mean for a push (Tigo fact sheet, A.2 and its outcome table)."""

from __future__ import annotations

import re

from payments.providers.base import Outcome, Reason

Meaning = tuple[Outcome, Reason | None]

UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
PENDING: Meaning = (Outcome.PENDING, None)
NOT_PROCESSED: Meaning = (Outcome.NOT_SENT, Reason.UNAVAILABLE)
MISCONFIGURED: Meaning = (Outcome.FAILED, Reason.CONFIGURATION)

INVALID_REFERENCE = "DebitMandate-10-2020-V"

REFUSALS: dict[str, Meaning] = {
    "BILLER-18-3018-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3019-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3020-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3021-E": MISCONFIGURED,
    "BILLER-18-3022-E": MISCONFIGURED,
    "BILLER-18-3040-E": MISCONFIGURED,
    "DebitMandate-10-2001-E": MISCONFIGURED,
    "DebitMandate-10-2002-E": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "DebitMandate-10-2003-E": MISCONFIGURED,
    "DebitMandate-10-2004-V": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "DebitMandate-10-2005-E": (Outcome.FAILED, Reason.NOT_REGISTERED),
    INVALID_REFERENCE: MISCONFIGURED,
    "DebitMandate-10-2038-V": MISCONFIGURED,
    "DebitMandate-10-3000-E": MISCONFIGURED,
}
# They end like a refusal, yet speak of internal trouble.
AMBIGUOUS = frozenset({"DebitMandate-10-1000-E", "DebitMandate-10-5000-E"})

GRAMMAR = re.compile(r"[A-Za-z]+-[0-9]+-[0-9]{4}-([SEFVW])")
REFUSED_BEFORE_PROCESSING = frozenset({400, 401, 403, 404})  # HTTP, with a Message and no code


def push_code_meaning(code: str, *, http_status: int, sent_before: bool) -> Meaning:
    """What a ResponseCode says. A code that the sheet does not list goes by its last letter."""
    if code in AMBIGUOUS:
        return UNKNOWN
    if code == INVALID_REFERENCE and sent_before:
        return UNKNOWN  # a duplicate: the first sending was processed
    if code in REFUSALS:
        return REFUSALS[code]
    if http_status >= 500:
        return UNKNOWN  # a relay of an integrator's invents codes with its own errors (trap 13)
    match = GRAMMAR.fullmatch(code)
    letter = match[1] if match else ""
    if letter == "S":
        return PENDING
    return (Outcome.FAILED, Reason.DECLINED) if letter in ("E", "V") else UNKNOWN
