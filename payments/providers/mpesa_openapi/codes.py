"""What the Open API's codes mean. Sections are those of the M-Pesa fact sheet, dialect 1.

Never add from a table of Mozambique's API: it gives other meanings to the same numbers (1.9).
"""

from __future__ import annotations

from payments.providers.base import Outcome, Reason

Meaning = tuple[Outcome, Reason | None]

UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
PENDING: Meaning = (Outcome.PENDING, None)
SUCCEEDED: Meaning = (Outcome.SUCCEEDED, None)
THROTTLED: Meaning = (Outcome.NOT_SENT, Reason.UNAVAILABLE)
MISCONFIGURED: Meaning = (Outcome.FAILED, Reason.CONFIGURATION)

DONE = "INS-0"
ACCEPTED = frozenset({DONE, "INS-A-0", "INS-GAR-0"})
DUPLICATE = "INS-10"

# 1.8: these leave open whether money moved. INS-1 is sent for a payer without funds as well as for
# gateway faults, and a duplicate means that an earlier request was taken: the status query tells.
AMBIGUOUS = frozenset({"INS-1", "INS-9", DUPLICATE})

# 1.8: this session has spent its limits; nothing was sent, and a new session may.
SPENT_SESSION = frozenset({"INS-992", "INS-993", "INS-994"})

# 1.8 and the outcome table: definitive refusals, whatever the HTTP status beside them.
REFUSALS: dict[str, Meaning] = {
    "INS-6": (
        Outcome.FAILED,
        Reason.DECLINED,
    ),  # a wrong PIN and a cancel too: no code of their own
    "INS-990": (Outcome.FAILED, Reason.LIMIT),
    "INS-991": (Outcome.FAILED, Reason.LIMIT),
    "INS-996": (Outcome.FAILED, Reason.UNAVAILABLE),  # outside the hours of usage
    "INS-2006": (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),  # of outgoing money: our own wallet
    "INS-2051": (Outcome.FAILED, Reason.NOT_REGISTERED),
    **dict.fromkeys(SPENT_SESSION, MISCONFIGURED),
    **dict.fromkeys(
        (
            "INS-13",
            "INS-15",
            "INS-17",
            "INS-18",
            "INS-20",
            "INS-21",
            "INS-26",
            "INS-28",
            "INS-30",
            "INS-31",
            "INS-35",
            "INS-995",
            "INS-997",
            "INS-998",
        ),
        MISCONFIGURED,
    ),
}

# 1.6: of a query alone. The index lags behind, so these prove nothing at first.
NOT_FOUND = frozenset({"INS-23", "INS-6140"})

# 1.6 and the outcome table: the payment's own status, the only thing in a query that decides.
STATUSES: dict[str, Meaning] = {
    "Completed": SUCCEEDED,
    "Cancelled": (Outcome.FAILED, Reason.CANCELLED),
    "Expired": (Outcome.FAILED, Reason.NO_ANSWER),
    "Failed": (Outcome.FAILED, Reason.DECLINED),
    "Declined": (Outcome.FAILED, Reason.DECLINED),
    "Rejected": (Outcome.FAILED, Reason.DECLINED),
    "Pending": PENDING,
    "N/A": PENDING,
    "Unknown": PENDING,
    "": PENDING,
}

LISTED = REFUSALS.keys() | ACCEPTED | AMBIGUOUS


def payment_meaning(code: str, receipt: str) -> Meaning:
    """What a code says about money; accepted without a receipt is only accepted (1.4)."""
    if code in ACCEPTED:
        return SUCCEEDED if code == DONE and receipt else PENDING
    return REFUSALS.get(code, UNKNOWN)


def status_meaning(status: str, reversed_word: str) -> Meaning:
    """What a transaction's status says, with `output_Reversed`; unlisted words say nothing."""
    meaning = STATUSES.get(status, UNKNOWN)
    if meaning != SUCCEEDED or reversed_word in ("false", ""):
        return meaning
    return (Outcome.REVERSED, None) if reversed_word == "true" else UNKNOWN
