"""What Daraja's codes mean. Sections are those of the M-Pesa fact sheet, dialect 2."""

from __future__ import annotations

from payments.providers.base import Outcome, Reason

Meaning = tuple[Outcome, Reason | None]

UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
PENDING: Meaning = (Outcome.PENDING, None)
THROTTLED: Meaning = (Outcome.NOT_SENT, Reason.UNAVAILABLE)

# 2.5: the result of an STK push, in its callback and in the answer to a status question.
RESULTS: dict[str, Meaning] = {
    "0": (Outcome.SUCCEEDED, None),
    "1": (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),
    "2": (Outcome.FAILED, Reason.LIMIT),
    "3": (Outcome.FAILED, Reason.LIMIT),
    "4": (Outcome.FAILED, Reason.LIMIT),
    "8": (Outcome.FAILED, Reason.LIMIT),
    "17": (Outcome.FAILED, Reason.LIMIT),  # the same amount to the same payer within two minutes
    "26": (Outcome.FAILED, Reason.BUSY),
    "1001": (Outcome.FAILED, Reason.BUSY),
    "1019": (Outcome.FAILED, Reason.NO_ANSWER),
    "1025": (Outcome.FAILED, Reason.UNAVAILABLE),
    "1032": (Outcome.FAILED, Reason.CANCELLED),
    "1037": (Outcome.FAILED, Reason.NO_ANSWER),
    "2001": (Outcome.FAILED, Reason.WRONG_PIN),
    "2028": (Outcome.FAILED, Reason.CONFIGURATION),
    "4999": PENDING,
    "9999": (Outcome.FAILED, Reason.UNAVAILABLE),
}

# 2.2: the access token is dead, so nothing was processed; each product has its own code.
DEAD_TOKEN = frozenset({"404.001.03", "401.002.01", "400.003.01"})

# 2.2: refusals of a push, told apart by code alone.
REFUSALS: dict[str, Meaning] = {
    "404.001.01": (Outcome.FAILED, Reason.CONFIGURATION),  # wrong path
    "404.001.04": (Outcome.FAILED, Reason.CONFIGURATION),  # bad authorization header
    "405.001": (Outcome.FAILED, Reason.CONFIGURATION),  # wrong method
    "500.003.02": THROTTLED,
    "500.003.03": THROTTLED,
}
BAD_REQUEST_PREFIX = "400."

# 2.2 and trap 12: one code for many things, so the words decide; other words prove nothing.
OVERLOADED = "500.001.1001"
OVERLOADED_REFUSALS: dict[str, Meaning] = {
    "wrong credentials": (Outcome.FAILED, Reason.CONFIGURATION),
    "merchant does not exist": (Outcome.FAILED, Reason.CONFIGURATION),
    "unable to lock subscriber": (Outcome.FAILED, Reason.BUSY),
}
BEING_PROCESSED = "being processed"


def result_meaning(code: str) -> Meaning:
    """What a ResultCode says; the published table is not exhaustive."""
    return RESULTS.get(code, UNKNOWN)


def push_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about a push."""
    if code == OVERLOADED:
        return _overloaded_meaning(message)
    if code.startswith(BAD_REQUEST_PREFIX):
        return (Outcome.FAILED, Reason.CONFIGURATION)
    return REFUSALS.get(code, UNKNOWN)


def query_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about the payment asked for: at most that it is still open (2.4)."""
    if code == OVERLOADED and BEING_PROCESSED in message.lower():
        return PENDING
    return UNKNOWN


def _overloaded_meaning(message: str) -> Meaning:
    said = message.lower()
    return next(
        (meaning for words, meaning in OVERLOADED_REFUSALS.items() if words in said), UNKNOWN
    )
