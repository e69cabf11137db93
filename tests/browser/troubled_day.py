"""A day of purchases and of the M-Pesa portal's lines of them, with all that can go wrong between."""

from __future__ import annotations

from datetime import date, timedelta

import time_machine
from django.db import transaction

from accounts.models import User
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from common.clock import day_bounds
from payments.models import Payment, ProviderName
from payments.providers.base import Outcome, Reason
from payments.services.record import record_move
from payments.services.record_bank import Movement, record_bank
from payments.states import State
from payments.tests.factories import a_customer
from tests.browser.portal import Portal, told_otherwise
from vpn.tests.factories import first_gateway

OPENING = 100_000  # TZS on the till when the day begins
MPESA = ProviderName.VODACOM_MPESA


class Day:
    """What the books and the provider know of one day, each with its trouble."""

    def __init__(self, day: date) -> None:
        self.day = day
        begins, _ = day_bounds(day)
        self._at = begins + timedelta(hours=10)
        self.portal = Portal(OPENING, (self._at + timedelta(hours=3)).replace(tzinfo=None))
        first_gateway()
        self.bundles = {price: a_bundle(price=price) for price in (1000, 1540, 60_000)}
        with time_machine.travel(begins - timedelta(hours=5), tick=False):
            record_bank(
                movement=Movement.TOP_UP,
                provider=MPESA,
                amount=OPENING,
                reference="OPENING",
                note="Before",
            )

    def next(self) -> None:
        """The statement goes on with a purchase of the day after."""
        self._at += timedelta(days=1)
        self.portal.at += timedelta(days=1)
        payment = self.order("QK10000020")
        reference = payment.attempts.get().reference
        self.portal.line("QK10000020", 1000, **{"A/C No.": reference})

    def order(
        self,
        receipt: str = "",
        *,
        price: int = 1000,
        customer: User | None = None,
        phone: str = "",
        outcome: Outcome | None = Outcome.SUCCEEDED,
    ) -> Payment:
        """A purchase, and what became of it half a minute later; None leaves it to expire."""
        self._at += timedelta(minutes=2)
        with time_machine.travel(self._at, tick=False) as clock:
            payment = buy(customer or a_customer(), self.bundles[price], phone)
            clock.shift(30)
            if outcome is None:
                expire(payment)
            else:
                reason = Reason.DECLINED if outcome == Outcome.FAILED else None
                hear(payment, outcome, receipt=receipt or None, reason=reason)
        return payment


def expire(payment: Payment) -> None:
    with transaction.atomic():
        attempt = payment.attempts.get()
        record_move(payment, attempt, State.EXPIRED, source="system")
    payment.refresh_from_db()


def trouble(day: Day) -> dict[str, Payment]:
    """The day's purchases, and the statement's lines of them, in the provider's order."""
    portal, shop = day.portal, "+255754999001"
    paid = {
        "plain": day.order("QK10000001"),
        "receipt typo": day.order("QKlOOLL002"),
        "reference typo": day.order(),
        "swapped digits": day.order("QK10000004", price=1540),
        "unreadable": day.order("QK10000005"),
        "same minute": day.order(phone=shop),
        "same minute too": day.order(phone=shop),
        "on no statement": day.order("QK10000008"),
        "taken back": day.order("QK10000009"),
        "failed here": day.order(price=60_000, outcome=Outcome.FAILED),
        "late": day.order(outcome=None),
        "pending there": day.order("QK10000012"),
    }
    ours = {name: payment.attempts.get().reference for name, payment in paid.items()}
    portal.line("QK10000001", 1000, **{"A/C No.": ours["plain"]})
    portal.rows.append(portal.rows[-1])  # a twin
    portal.line("QK10000001", -20, written="(20.00)", **{"Reason Type": "Pay Bill Charge"})
    portal.line("QK1001L002", 1000, **{"A/C No.": ours["receipt typo"]})
    misread = ours["reference typo"].replace("0", "O").replace("1", "I").replace("5", "S")
    portal.line("QK10000003", 1000, Details=f"Pay Bill Acc. {misread[:6]} {misread[6:]}")
    portal.line("QK10000004", 1450, **{"A/C No.": ours["swapped digits"]})
    portal.line("QK10000005", 1000, **{"A/C No.": ours["unreadable"]})
    for receipt in ("QK10000006", "QK10000007"):
        portal.line(receipt, 1000, **{"Other Party Info": f"{shop[1:]} - DUKA LA MAMA"})
    portal.line("QK10000009", 1000, **{"A/C No.": ours["taken back"]})
    back = {"Reason Type": "Reversal of Pay Bill", "Linked Transaction ID": "QK10000009"}
    portal.line("QK10000010", -1000, **back)
    portal.line("QK10000011", 60_000, **{"A/C No.": ours["failed here"]})
    portal.line("QK10000013", 1000, **{"A/C No.": ours["late"]})
    portal.line("QK10000014", 1000, **{"A/C No.": ours["plain"]})  # paid twice
    portal.line("QK10000015", 3000, **{"Other Party Info": "255754999002 - NO ORDER"})
    portal.line("QK10000016", 2000, **{"Other Party Info": "25575***003 - MASKED"})
    portal.line("QK10000017", -5000, **{"Reason Type": "Organization Settlement to Bank"})
    portal.line("QK10000012", 1000, **{"A/C No.": ours["pending there"]})
    return paid


def first_told(rows: list[list[str]]) -> list[list[str]]:
    """As the portal had it at first: one amount is spoilt, the last line waits."""
    spoilt = told_otherwise(rows, "QK10000005", **{"Paid In": "1,0O0.00"})
    pending = {"Transaction Status": "Pending", "Balance": ""}
    return told_otherwise(spoilt, "QK10000012", **pending)
