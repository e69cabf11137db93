"""What Airtel's statuses and codes mean. Sections are those of the Airtel fact sheet."""

from __future__ import annotations

import re

from payments.providers.base import Outcome, Reason
from payments.providers.wire import reason_in

Meaning = tuple[Outcome, Reason | None]

UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
PENDING: Meaning = (Outcome.PENDING, None)
NOT_PROCESSED: Meaning = (Outcome.NOT_SENT, Reason.UNAVAILABLE)
MISCONFIGURED: Meaning = (Outcome.FAILED, Reason.CONFIGURATION)

# 6 and 12: a transaction's status, in an enquiry and in a callback. TF's reason is in its message.
STATUSES: dict[str, Outcome] = {
    "TS": Outcome.SUCCEEDED,
    "TF": Outcome.FAILED,
    "TE": Outcome.FAILED,
    "TIP": Outcome.PENDING,
    "TA": Outcome.UNKNOWN,
    "TR": Outcome.REVERSED,
}

SIGNATURE_REFUSED = frozenset({"DP00800001026", "DP00900001018"})  # 4
# 11 and 12: codes that refuse a request for money before anything happens.
INVALID_REQUEST = frozenset(
    {
        "ESB000033",
        "ESB000034",
        "ESB000035",
        "ESB000036",
        "ESB000039",
        "ROUTER001",
        "ROUTER003",
        "ROUTER005",
        "ROUTER006",
        "ROUTER007",
        "ROUTER110",
        "ROUTER112",
        "ROUTER119",
    }
    | SIGNATURE_REFUSED
)
PAYER_MISSING = "DP00800001005"  # also sent with "Something Went Wrong" and code 500 (5)
# 11: codes that mean "not paid" in both of the two contradictory tables.
NOT_PAID: dict[str, Reason] = {
    "DP00800001002": Reason.DECLINED,
    "DP00800001004": Reason.LIMIT,
    PAYER_MISSING: Reason.DECLINED,
    "DP00800001007": Reason.DECLINED,
    "DP00800001008": Reason.DECLINED,
    "DP00800001029": Reason.NO_ANSWER,
}
# 11 and 12: codes that leave open whether the request was taken, whatever else the answer says.
# ESB000041, an id seen before, and ESB000008 are settled by the enquiry.
AMBIGUOUS = frozenset(
    {
        "ESB000001",
        "ESB000004",
        "ESB000008",
        "ESB000041",
        "ESB0000900",
        "ROUTER117",
        "DP00800001000",
    }
)
ACCEPTED = frozenset({"ESB000010", "DP00800001001", "DP00800001006"})
# 11: what the two tables do not agree on, or what decides nothing.
UNDECIDED = frozenset(
    {
        "DP00800001003",
        "DP00800001009",
        "DP00800001010",
        "DP00800001024",
        "ESB000011",
        "ESB000014",
        "521002",
        "521050",
    }
)
NO_SUCH_TRANSACTION = frozenset({"ESB000045"})
NOT_FOUND = NO_SUCH_TRANSACTION | {"DP00800001025", "DP00900001015"}

# 9: a disbursement's codes.
TRANSFER_SUCCEEDED = frozenset({"DP00900001001"})
TRANSFER_PENDING = frozenset({"DP00900001006"})
# 1011 and 1017 are duplicates: what became of the first is for the enquiry to say.
TRANSFER_AMBIGUOUS = frozenset({"DP00900001000", "DP00900001011", "DP00900001015", "DP00900001017"})
TRANSFER_INVALID = INVALID_REQUEST | {"ROUTER114", "ROUTER115", "ROUTER116"}  # the last: the PIN
REFUSED_OR_INVALID = "DP00900001013"
TRANSFER_REFUSALS: dict[str, Reason] = {
    "DP00900001003": Reason.LIMIT,
    "DP00900001004": Reason.LIMIT,
    "DP00900001005": Reason.DECLINED,
    "DP00900001007": Reason.INSUFFICIENT_FUNDS,  # our float
    "DP00900001009": Reason.DECLINED,
    "DP00900001010": Reason.CONFIGURATION,
    "DP00900001012": Reason.NOT_REGISTERED,
    REFUSED_OR_INVALID: Reason.DECLINED,
    "DP00900001019": Reason.CONFIGURATION,
}
INVALID_WORDS = re.compile(r"country|currency|length|missing|param", re.IGNORECASE)
TAKEN = "SUCCESS"  # 5 and 8: of a prompt that went out, and of a refund that is done

LISTED = (
    INVALID_REQUEST
    | NOT_PAID.keys()
    | AMBIGUOUS
    | ACCEPTED
    | UNDECIDED
    | NOT_FOUND
    | TRANSFER_SUCCEEDED
    | TRANSFER_PENDING
    | TRANSFER_AMBIGUOUS
    | TRANSFER_INVALID
    | TRANSFER_REFUSALS.keys()
)
NOT_PROCESSED_STATUSES = frozenset({400, 401, 403, 404, 405})  # HTTP, where no code tells more


def esb(code: str) -> str:
    """A result_code as the tables have it; some copies leave out its letters."""
    return f"ESB{code}" if code.startswith("0000") else code


def status_meaning(status: str, words: str) -> Meaning:
    """What a transaction's status says; letters that the sheet does not list say nothing."""
    outcome = STATUSES.get(status, Outcome.UNKNOWN)
    if outcome != Outcome.FAILED:
        return (outcome, None)
    return (outcome, Reason.NO_ANSWER if status == "TE" else reason_in(words))


def refusal_meaning(code: str, words: str) -> Meaning:
    """What one of the NOT_PAID codes says; its tables differ on why, so the words come first."""
    told = reason_in(words)
    return (Outcome.FAILED, NOT_PAID[code] if told == Reason.DECLINED else told)


def transfer_refusal_meaning(code: str, words: str) -> Meaning:
    """What a disbursement's refusal says; 1013 also stands for a request that is wrong in itself."""
    if code == REFUSED_OR_INVALID and INVALID_WORDS.search(words):
        return MISCONFIGURED
    reason = TRANSFER_REFUSALS[code]
    return (Outcome.FAILED, reason_in(words) if reason == Reason.DECLINED else reason)
