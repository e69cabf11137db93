"""The people behind the numbers: which phone answers by itself, and how.

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
    NOT_REGISTERED = "not_registered"
    NOT_PERMITTED = "not_permitted"

    @property
    def outcome(self) -> Outcome | None:
        """What the phone does by itself; None where it waits for a hand or for ever."""
        if self in (Scenario.HAND, Scenario.NEVER_ANSWERS, Scenario.NOT_REGISTERED):
            return None
        return _REFUSALS.get(self, Outcome.PAID)

    @property
    def callbacks(self) -> int:
        """How often the provider calls back."""
        return {Scenario.CALLBACK_LOST: 0, Scenario.CALLBACK_TWICE: 2}.get(self, 1)


_REFUSALS = {
    Scenario.WRONG_PIN: Outcome.WRONG_PIN,
    Scenario.INSUFFICIENT_FUNDS: Outcome.INSUFFICIENT_FUNDS,
    Scenario.CANCELLED: Outcome.CANCELLED,
    Scenario.NOT_PERMITTED: Outcome.NOT_PERMITTED,
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
}


def scenario_of(msisdn: str) -> Scenario:
    """The fixed behaviour of a number (12 digits); any other waits for a hand."""
    return SPECIAL_ENDINGS.get(msisdn[-6:], Scenario.HAND)
