"""What Daraja's codes mean. Sections are those of the M-Pesa fact sheet, dialect 2."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from payments.providers.base import Outcome, Reason, Verdict


class Meaning(NamedTuple):
    """What a code says about the money; unlisted is one that the sheet gives no meaning."""

    outcome: Outcome
    reason: Reason | None = None
    is_unlisted: bool = False


failed = partial(Meaning, Outcome.FAILED)

SUCCEEDED = Meaning(Outcome.SUCCEEDED)
PENDING = Meaning(Outcome.PENDING)
UNKNOWN = Meaning(Outcome.UNKNOWN)
UNLISTED = Meaning(Outcome.UNKNOWN, is_unlisted=True)
THROTTLED = Meaning(Outcome.NOT_SENT, Reason.UNAVAILABLE)

# 2.5: the result of an STK push, in its callback and in the answer to a status question.
RESULTS: dict[str, Meaning] = {
    "0": SUCCEEDED,
    "1": failed(Reason.INSUFFICIENT_FUNDS),
    "2": failed(Reason.LIMIT),
    "3": failed(Reason.LIMIT),
    "4": failed(Reason.LIMIT),
    "8": failed(Reason.LIMIT),
    "17": failed(Reason.LIMIT),  # the same amount to the same payer within two minutes
    "26": failed(Reason.BUSY),
    "1001": failed(Reason.BUSY),
    "1019": failed(Reason.NO_ANSWER),
    "1025": failed(Reason.UNAVAILABLE),
    "1032": failed(Reason.CANCELLED),
    "1037": failed(Reason.NO_ANSWER),
    "2001": failed(Reason.WRONG_PIN),
    "2028": failed(Reason.CONFIGURATION),
    "4999": PENDING,
    "9999": failed(Reason.UNAVAILABLE),
}

# 2.6 and 2.7: the result of a disbursement or reversal. Here it is our account that pays and our
# initiator that signs, so what a push would blame on the customer is ours to mend.
TRANSFER_RESULTS: dict[str, Meaning] = {
    "0": SUCCEEDED,
    "1": failed(Reason.CONFIGURATION),  # the utility account is empty (trap 16)
    "2": failed(Reason.LIMIT),
    "3": failed(Reason.LIMIT),
    "4": failed(Reason.LIMIT),
    "8": failed(Reason.LIMIT),
    "11": failed(Reason.CONFIGURATION),
    "15": UNKNOWN,  # a duplicate: the first one was taken
    "17": UNKNOWN,  # an internal failure, to be confirmed by asking for the status
    "18": failed(Reason.CONFIGURATION),
    "19": failed(Reason.CONFIGURATION),
    "20": failed(Reason.CONFIGURATION),
    "21": failed(Reason.CONFIGURATION),
    "22": failed(Reason.CONFIGURATION),
    "26": failed(Reason.BUSY),
    "2001": failed(Reason.CONFIGURATION),
    "2006": failed(Reason.CONFIGURATION),
    "2028": failed(Reason.CONFIGURATION),
    "2040": failed(Reason.NOT_REGISTERED),
    "8006": failed(Reason.CONFIGURATION),
    "SFC_IC0003": failed(Reason.NOT_REGISTERED),
    "R000001": UNKNOWN,  # reversed already: by us before, or by somebody else
    "R000002": failed(Reason.CONFIGURATION),
}
REVERSAL_ONLY = frozenset({"R000001", "R000002"})

# 2.7 documents "Completed" alone; the others are the words of the outcome table's status rows.
TRANSACTION_STATUSES: dict[str, Meaning] = {
    "completed": SUCCEEDED,
    "cancelled": failed(Reason.DECLINED),
    "declined": failed(Reason.DECLINED),
    "expired": failed(Reason.DECLINED),
    "failed": failed(Reason.DECLINED),
    "rejected": failed(Reason.DECLINED),
    "pending": PENDING,
    "n/a": PENDING,
}

# 2.2: the access token is dead, so nothing was processed; each product has its own code.
DEAD_TOKEN = frozenset({"404.001.03", "401.002.01", "400.003.01"})

# 2.2: answers to a request for money, told apart by code alone.
REFUSALS: dict[str, Meaning] = {
    "404.001.01": failed(Reason.CONFIGURATION),  # wrong path
    "404.001.04": failed(Reason.CONFIGURATION),  # bad authorization header
    "405.001": failed(Reason.CONFIGURATION),  # wrong method
    "500.002.1001": UNKNOWN,
    "500.003.02": THROTTLED,
    "500.003.03": THROTTLED,
    "500.003.1001": UNKNOWN,
    **dict.fromkeys(DEAD_TOKEN, UNKNOWN),
}
BAD_REQUEST_PREFIX = "400."
DUPLICATE = "500.002.1001"
INTERNAL_ERROR = "500.003.1001"

# 2.2 and trap 12: one code for many things, so the words decide; other words prove nothing.
OVERLOADED = "500.001.1001"
OVERLOADED_REFUSALS: dict[str, Meaning] = {
    "wrong credentials": failed(Reason.CONFIGURATION),
    "merchant does not exist": failed(Reason.CONFIGURATION),
    "unable to lock subscriber": failed(Reason.BUSY),
}
BEING_PROCESSED = "being processed"

# 2.7: what a validation is answered with. C2B00011, 14 and 15 (a wrong MSISDN, KYC or short code)
# are refusals that we have no reason for.
VALIDATION_CODES: dict[Verdict, str] = {
    Verdict.ACCEPTED: "0",
    Verdict.UNKNOWN_REFERENCE: "C2B00012",
    Verdict.WRONG_AMOUNT: "C2B00013",
    Verdict.NOT_UNDERSTOOD: "C2B00016",
    Verdict.ASK_AGAIN: "C2B00016",
}


def result_meaning(code: str) -> Meaning:
    """What a push's ResultCode says; the published table is not exhaustive."""
    return RESULTS.get(code, unexplained(code))


def transfer_result_meaning(code: str) -> Meaning:
    """What the ResultCode of a disbursement or reversal says."""
    return TRANSFER_RESULTS.get(code, unexplained(code))


def status_meaning(code: str, status: str) -> Meaning:
    """What the result of a status question says of the transfer.

    A ResultCode of 0 says that the question worked, any other that it did not (2.7, trap 7).
    """
    if code != "0":
        return UNKNOWN if code in TRANSFER_RESULTS else UNLISTED
    return TRANSACTION_STATUSES.get(status.lower(), unexplained(status))


def push_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about a push, or about a reversal."""
    if code == OVERLOADED:
        return _overloaded_meaning(message)
    if code in REFUSALS:
        return REFUSALS[code]
    return failed(Reason.CONFIGURATION) if code.startswith(BAD_REQUEST_PREFIX) else UNLISTED


def disbursement_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about a disbursement, which a reference of ours keeps from doubling."""
    if code == DUPLICATE:
        return PENDING  # the first one went through (2.6)
    return push_error_meaning(code, message)


def query_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about the payment asked for: at most that it is still open (2.4)."""
    if code == OVERLOADED and BEING_PROCESSED in message.lower():
        return PENDING
    return UNLISTED if push_error_meaning(code, message).is_unlisted else UNKNOWN


def registration_error_meaning(code: str, message: str) -> Meaning:
    """What an errorCode says about registering URLs, where nothing is at stake (2.7)."""
    if code == INTERNAL_ERROR:
        return failed(Reason.CONFIGURATION)  # that they are registered already, too
    return push_error_meaning(code, message)


def unexplained(code: str) -> Meaning:
    """What a code without a meaning says; "" is no code."""
    return UNLISTED if code else UNKNOWN


def _overloaded_meaning(message: str) -> Meaning:
    said = message.lower()
    return next(
        (meaning for words, meaning in OVERLOADED_REFUSALS.items() if words in said), UNKNOWN
    )
