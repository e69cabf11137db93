"""What Airtel's statuses and codes mean. Sections are those of the Airtel fact sheet."""

from __future__ import annotations

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

# 11 and 12: codes that refuse a payment request before anything happens.
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
        "DP00800001026",
    }
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
NOT_FOUND = frozenset({"ESB000045", "DP00800001025"})
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
