"""What Tigo's codes mean: of a push and of a disbursement (Tigo fact sheet, A.2, B, outcome table)."""

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

ACCEPTED = frozenset({"BILLER-18-0000-S", "BILLER-30-0000-S"})
LISTED_FOR_PUSH = ACCEPTED | AMBIGUOUS | REFUSALS.keys()

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


# B: TXNSTATUS without its leading zeros.
TRANSFER_SUCCEEDED = frozenset({"200", "0"})
TRANSFER_AMBIGUOUS = "100"  # "hold the amount": it may have been disbursed
TRANSFER_REFUSALS: dict[str, Reason] = {
    "26": Reason.CONFIGURATION,  # our PIN has expired
    "31": Reason.LIMIT,
    "42": Reason.LIMIT,
    "317": Reason.DECLINED,  # the recipient is barred
    "410": Reason.LIMIT,
    "2117": Reason.CONFIGURATION,  # we are barred
    "60014": Reason.LIMIT,
    "60017": Reason.LIMIT,
    "60018": Reason.LIMIT,
    "60019": Reason.INSUFFICIENT_FUNDS,  # our float
    "60021": Reason.LIMIT,
    "60024": Reason.LIMIT,
    "60028": Reason.LIMIT,
    "60030": Reason.LIMIT,
    "60074": Reason.NOT_REGISTERED,
}


def transfer_code_meaning(code: str) -> Meaning:
    """What a TXNSTATUS says; one that the sheet does not list says nothing."""
    bare = _without_zeros(code)
    if bare in TRANSFER_SUCCEEDED:
        return (Outcome.SUCCEEDED, None)
    if bare in TRANSFER_REFUSALS:
        return (Outcome.FAILED, TRANSFER_REFUSALS[bare])
    return UNKNOWN


def is_listed_transfer_code(code: str) -> bool:
    bare = _without_zeros(code)
    return bare in TRANSFER_SUCCEEDED | TRANSFER_REFUSALS.keys() | {TRANSFER_AMBIGUOUS}


def _without_zeros(code: str) -> str:
    """Codes come with leading zeros or without; all zeros are one."""
    return code and (code.lstrip("0") or "0")
