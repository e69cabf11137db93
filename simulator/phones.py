"""The people behind the numbers: which phone answers by itself, and how; what payouts to it meet.

A number's last six digits decide, so that each row works with every provider's own prefixes.
"""

from __future__ import annotations

from enum import StrEnum

RIGHT_PIN = "1234"


class Outcome(StrEnum):
    """How a prompt ended."""

    PAID = "paid"
    WRONG_PIN = "wrong_pin"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_PERMITTED = "not_permitted"


class Telling(StrEnum):
    """What one callback says of a prompt's end."""

    TRUTH = "truth"
    SUCCESS = "success"
    FAILURE = "failure"
    OTHER_AMOUNT = "other_amount"
    OTHER_PHONE = "other_phone"
    FORGED_SUCCESS = "forged_success"  # not the provider's: somebody else wrote it


class Scenario(StrEnum):
    """What becomes of a prompt on a phone."""

    HAND = "hand"
    PAYS = "pays"
    WRONG_PIN = "wrong_pin"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CANCELLED = "cancelled"
    NEVER_ANSWERS = "never_answers"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_TWICE = "callback_twice"
    CALLBACK_FIRST = "callback_first"
    ERROR_AFTER_CHARGING = "error_after_charging"
    SLOW = "slow"
    RESPONSE_LOST = "response_lost"
    PAYS_LATE = "pays_late"
    PAYS_PART = "pays_part"
    PAYS_TOO_MUCH = "pays_too_much"
    SUCCESS_THEN_FAILURE = "success_then_failure"
    FAILURE_THEN_SUCCESS = "failure_then_success"
    OTHER_AMOUNT = "other_amount"
    OTHER_PHONE = "other_phone"
    FORGED_CALLBACK = "forged_callback"
    NOT_REGISTERED = "not_registered"
    NOT_PERMITTED = "not_permitted"

    @property
    def outcome(self) -> Outcome | None:
        """What the phone does by itself; None where it waits for a hand, for ever or too long."""
        return None if self in _SILENT else _REFUSALS.get(self, Outcome.PAID)

    @property
    def tellings(self) -> tuple[Telling, ...]:
        """What the callbacks say, in their order."""
        return _TELLINGS.get(self, (Telling.TRUTH,))

    def paid_of(self, amount: int) -> int:
        """What the customer pays who was asked for that amount."""
        if self is Scenario.PAYS_PART:
            return max(1, amount // 2)
        return amount * 2 if self is Scenario.PAYS_TOO_MUCH else amount


class Payout(StrEnum):
    """What becomes of money that is sent to a phone."""

    PAID = "paid"
    NOT_REGISTERED = "not_registered"
    REFUSED = "refused"  # with a code of the provider's own
    IN_PROGRESS_FIRST = "in_progress_first"
    TIMED_OUT_AFTER_PAYING = "timed_out_after_paying"
    TIMED_OUT = "timed_out"
    ERROR_AFTER_PAYING = "error_after_paying"
    RESPONSE_LOST = "response_lost"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_TWICE = "callback_twice"
    SLOW = "slow"

    @property
    def is_paid(self) -> bool:
        return self not in (Payout.NOT_REGISTERED, Payout.REFUSED, Payout.TIMED_OUT)

    @property
    def is_timed_out(self) -> bool:
        """Whether the provider says that it does not know."""
        return self in (Payout.TIMED_OUT, Payout.TIMED_OUT_AFTER_PAYING)

    @property
    def callbacks(self) -> int:
        """How often the provider tells the result, where it tells it by a call."""
        return {Payout.CALLBACK_LOST: 0, Payout.CALLBACK_TWICE: 2}.get(self, 1)


class Receiving(StrEnum):
    """What becomes of an SMS to a phone."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    UNREPORTED = "unreported"  # delivered, and nobody says so
    REPORTED_TWICE = "reported_twice"
    REPORTED_BACKWARDS = "reported_backwards"  # delivered, then still on its way
    REPORTED_STRANGELY = "reported_strangely"  # by a word that is in no document
    REPORTED_FIRST = "reported_first"  # before the answer
    INVALID_NUMBER = "invalid_number"
    NO_CREDIT = "no_credit"
    ERROR_AFTER_SENDING = "error_after_sending"
    RESPONSE_LOST = "response_lost"
    SLOW = "slow"
    IN_DOUBT = "in_doubt"  # the provider says that it does not know; it was sent

    @property
    def is_sent(self) -> bool:
        return self not in (Receiving.INVALID_NUMBER, Receiving.NO_CREDIT)


_SILENT = (Scenario.HAND, Scenario.NEVER_ANSWERS, Scenario.NOT_REGISTERED, Scenario.PAYS_LATE)
_REFUSALS = {
    Scenario.WRONG_PIN: Outcome.WRONG_PIN,
    Scenario.INSUFFICIENT_FUNDS: Outcome.INSUFFICIENT_FUNDS,
    Scenario.CANCELLED: Outcome.CANCELLED,
    Scenario.NOT_PERMITTED: Outcome.NOT_PERMITTED,
    Scenario.FORGED_CALLBACK: Outcome.CANCELLED,
}
_TELLINGS = {
    Scenario.CALLBACK_LOST: (),
    Scenario.CALLBACK_TWICE: (Telling.TRUTH, Telling.TRUTH),
    Scenario.SUCCESS_THEN_FAILURE: (Telling.SUCCESS, Telling.FAILURE),
    Scenario.FAILURE_THEN_SUCCESS: (Telling.FAILURE, Telling.SUCCESS),
    Scenario.OTHER_AMOUNT: (Telling.OTHER_AMOUNT,),
    Scenario.OTHER_PHONE: (Telling.OTHER_PHONE,),
    Scenario.FORGED_CALLBACK: (Telling.FORGED_SUCCESS, Telling.TRUTH),
}

SPECIAL_ENDINGS = {
    "000001": Scenario.PAYS,
    "000002": Scenario.WRONG_PIN,
    "000003": Scenario.INSUFFICIENT_FUNDS,
    "000004": Scenario.CANCELLED,
    "000005": Scenario.NEVER_ANSWERS,
    "000006": Scenario.CALLBACK_LOST,
    "000007": Scenario.CALLBACK_TWICE,
    "000008": Scenario.CALLBACK_FIRST,
    "000009": Scenario.ERROR_AFTER_CHARGING,
    "000010": Scenario.SLOW,
    "000011": Scenario.RESPONSE_LOST,
    "000012": Scenario.PAYS_LATE,
    "000013": Scenario.PAYS_PART,
    "000014": Scenario.PAYS_TOO_MUCH,
    "000015": Scenario.SUCCESS_THEN_FAILURE,
    "000016": Scenario.FAILURE_THEN_SUCCESS,
    "000017": Scenario.OTHER_AMOUNT,
    "000018": Scenario.OTHER_PHONE,
    "000019": Scenario.FORGED_CALLBACK,
    "000020": Scenario.NOT_REGISTERED,
}
PAYEE_ENDINGS = {
    "000020": Payout.NOT_REGISTERED,
    "000051": Payout.TIMED_OUT_AFTER_PAYING,
    "000052": Payout.TIMED_OUT,
    "000053": Payout.ERROR_AFTER_PAYING,
    "000054": Payout.RESPONSE_LOST,
    "000055": Payout.CALLBACK_LOST,
    "000056": Payout.CALLBACK_TWICE,
    "000057": Payout.IN_PROGRESS_FIRST,
    "000058": Payout.SLOW,
}
SMS_ENDINGS = {
    "000071": Receiving.UNDELIVERED,
    "000072": Receiving.UNREPORTED,
    "000073": Receiving.REPORTED_TWICE,
    "000074": Receiving.REPORTED_BACKWARDS,
    "000075": Receiving.REPORTED_STRANGELY,
    "000076": Receiving.REPORTED_FIRST,
    "000077": Receiving.INVALID_NUMBER,
    "000078": Receiving.NO_CREDIT,
    "000079": Receiving.ERROR_AFTER_SENDING,
    "000080": Receiving.RESPONSE_LOST,
    "000081": Receiving.SLOW,
    "000082": Receiving.IN_DOUBT,
}
SMS_CODE = "000"  # and a code of three digits: SMS to the number are refused with it
CODE_DIGIT = "9"  # a payee whose number ends in 9 and five digits is refused with that code


def scenario_of(msisdn: str) -> Scenario | None:
    """The fixed behaviour of a number (12 digits) that is asked to pay; None for all others.

    The number of a payee or of a reader of SMS pays, so that there is something to send or to tell.
    """
    ending = msisdn[-6:]
    others = ending in PAYEE_ENDINGS or ending in SMS_ENDINGS
    return SPECIAL_ENDINGS.get(ending, Scenario.PAYS if others else None)


def receiving_of(msisdn: str) -> Receiving:
    """What becomes of an SMS to a number (12 digits)."""
    return SMS_ENDINGS.get(msisdn[-6:], Receiving.DELIVERED)


def sms_code_of(msisdn: str) -> int:
    """The code that a provider of SMS refuses the number (12 digits) with, if it has such a code."""
    return int(msisdn[-3:]) if msisdn[-6:-3] == SMS_CODE else 0
