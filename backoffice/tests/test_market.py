"""A market by chance: several owners sell, customers buy, give and want money back, owners are paid.

After 500 purchases the books hold, and each owner's statement is the ledger's to the shilling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from backoffice.invariants import INVARIANTS
from backoffice.money_check import prove
from backoffice.tests.stories import TIGO, asked, fill_float, paid, send_money, sent
from bundles.models import GIGABYTE, Bundle, Gift, Subscription, Terms
from bundles.owner_figures import earnings_of
from bundles.owner_statement import statement_of
from bundles.services.buy import buy_bundle
from bundles.services.claim_gift import claim_gift
from bundles.services.earn import earned_account, held_account, release_earnings
from bundles.services.end import end_overdue_subscriptions
from bundles.services.give_data import give_data
from bundles.services.pay_owners import ask_payout
from bundles.services.record_fiscally import record_sales
from bundles.services.return_gift import return_unclaimed, take_back
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import hear
from common.clock import business_day
from common.errors import DomainError
from payments import ledger
from payments.models import Disposition, Payment, Transfer
from payments.providers.base import Outcome, Reason
from payments.services.refund import refund_payment, refundable
from payments.services.return_credit import return_credit
from payments.states import OPEN_TRANSFERS
from payments.tests.factories import a_customer, a_phone, an_owner
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

PURCHASES = 500
OWNERS, CUSTOMERS = 4, 60
SEED = 20261126
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PAUSE = timedelta(hours=2)  # between two purchases
WAYS = ["paid", "gift", "over", "under", "failed", "reversed"]
# How often each thing happens after a purchase, in percent; the rest of the time nothing does.
AFTERWARDS = {
    "refund": 10,
    "part": 8,
    "credit": 8,
    "payout": 10,
    "dearer": 4,
    "claim": 12,
    "give": 6,
    "take_back": 3,
}


@dataclass
class Market:
    """Owners with two bundles each, customers, and dice that always fall the same."""

    clock: time_machine.Traveller
    dice: Random
    owners: list[User]
    customers: list[User]
    bundles: list[Bundle]
    served: list[Payment] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def go_on(self) -> None:
        """Time passes, from one day to the next too."""
        today = business_day(timezone.now())
        self.clock.shift(PAUSE)
        if business_day(timezone.now()) != today:
            self.end_day()

    def end_day(self) -> None:
        """What is over ends, what nobody claimed goes back, and what is delivered is its owners'."""
        return_unclaimed()
        end_overdue_subscriptions()
        release_earnings()
        record_sales()

    def buy(self) -> None:
        """One purchase: mostly paid right; else a gift, too much, too little, not, or taken back."""
        bundle, customer = self.dice.choice(self.bundles), self.dice.choice(self.customers)
        bundle.refresh_from_db()
        way = self.dice.choices(WAYS, [65, 15, 5, 5, 7, 3])[0]
        self.done[way] += 1
        if way == "failed":
            hear(asked(bundle, customer=customer), Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
            return
        if way == "gift":
            self.served.append(hear(self._to_another(bundle, customer)))
            return
        amount = bundle.price + {"over": 300, "under": -200}.get(way, 0)
        payment = paid(bundle, amount=amount, customer=customer)
        if way == "reversed":
            hear(payment, Outcome.REVERSED)
        elif payment.disposition == Disposition.FULFILLED:
            self.served.append(payment)

    def claim(self) -> None:
        """Somebody takes what was given; the rest goes back in time."""
        if offered := list(Gift.objects.filter(state=Gift.State.OFFERED)):
            gift = self.dice.choice(offered)
            claim_gift(gift=gift, claimer=User.objects.get(phone=gift.phone))

    def give(self) -> None:
        """A gigabyte of what somebody has."""
        live = list(Subscription.objects.filter(state=Subscription.State.ACTIVE))
        if live:
            own = self.dice.choice(live)
            receiver = self.dice.choice(self.customers)
            give_data(
                giver=own.customer,
                subscription_id=own.pk,
                phone=receiver.phone or "",
                data_bytes=GIGABYTE,
            )

    def take_back(self) -> None:
        if offered := list(Gift.objects.filter(state=Gift.State.OFFERED)):
            gift = self.dice.choice(offered)
            take_back(giver=gift.giver, gift_id=gift.pk)

    def refund(self) -> None:
        self._send_back(lambda left: left)

    def part(self) -> None:
        self._send_back(lambda left: self.dice.randint(1, left))

    def credit(self) -> None:
        """Whoever has credit may want it on the phone."""
        rich = [each for each in self.customers if ledger.credit_of(each.pk) > 0]
        if rich:
            person = self.dice.choice(rich)
            transfer = return_credit(customer_id=person.pk, request_key=f"c{self.done.total()}")
            self._answer(transfer)

    def payout(self) -> None:
        owner = self.dice.choice(self.owners)
        payable = -ledger.balance(earned_account(owner.pk))
        if payable > 0:
            amount = self.dice.choice([payable, self.dice.randint(1, payable)])
            self._answer(
                ask_payout(person=owner, amount=amount, request_key=f"p{self.done.total()}")
            )

    def dearer(self) -> None:
        """A new price and commission, which touch no sale that was made."""
        bundle = self.dice.choice(self.bundles)
        Bundle.objects.filter(pk=bundle.pk).update(price=self.dice.randrange(600, 3_000, 100))
        Terms.objects.update(commission_percent=self.dice.randint(5, 30))

    def _to_another(self, bundle: Bundle, giver: User) -> Payment:
        receiver = self.dice.choice([each for each in self.customers if each != giver])
        payment, _ = buy_bundle(
            customer=giver,
            bundle_id=bundle.pk,
            phone=giver.phone or "",
            provider="auto",
            gift_phone=receiver.phone or "",
        )
        return payment

    def nothing(self) -> None:
        """Most customers are content."""

    def try_one_of(self, verbs: list[str], weights: list[int]) -> None:
        """One of the things that happen afterwards; a refusal is an answer too."""
        verb = self.dice.choices(verbs, weights)[0]
        try:
            getattr(self, verb)()
            self.done[verb] += 1
        except DomainError as refusal:
            self.done[f"{verb}: {refusal.code}"] += 1

    def _send_back(self, choose: Callable[[int], int]) -> None:
        payment = self.dice.choice(self.served) if self.served else None
        left = refundable(payment) if payment else 0
        if payment is None or not left:
            return
        transfer = refund_payment(
            payment_id=payment.pk,
            amount=choose(left),
            request_key=f"r{self.done.total()}",
            why="by chance",
        )
        self._answer(transfer)

    def _answer(self, transfer: Transfer) -> None:
        """What becomes of outgoing money; one that is unknown stays under way."""
        if transfer.state in OPEN_TRANSFERS:
            outcome = self.dice.choices(
                [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN], [85, 12, 3]
            )[0]
            sent(transfer, outcome)


@pytest.fixture
def market(providers: None, settings: Any) -> Iterator[Market]:
    send_money(settings)
    with time_machine.travel(START, tick=False) as clock:
        first_gateway()
        fill_float()
        Terms.current()
        owners = [an_owner(a_phone(TIGO)) for _ in range(OWNERS)]
        yield Market(
            clock=clock,
            dice=Random(SEED),  # noqa: S311  (chance that can be had again)
            owners=owners,
            customers=[a_customer(a_phone(TIGO)) for _ in range(CUSTOMERS)],
            bundles=[
                a_bundle(owner=owner, price=price, duration_days=days, max_clients=2 * CUSTOMERS)
                for owner in owners
                for price, days in ((1_000, 1), (2_500, 7))
            ],
        )


def test_the_books_hold_and_each_owners_statement_is_the_ledgers(market: Market) -> None:
    nothing = 100 - sum(AFTERWARDS.values())
    for _ in range(PURCHASES):
        market.go_on()
        market.buy()
        market.try_one_of([*AFTERWARDS, "nothing"], [*AFTERWARDS.values(), nothing])
    market.end_day()
    assert [each for each in (*WAYS, *AFTERWARDS) if not market.done[each]] == []
    assert broken() == {}
    for owner in market.owners:
        its_statement_is_the_ledgers(owner.pk)


def broken() -> dict[str, Any]:
    """What does not hold of the money; that jobs of minutes ago are late is no wonder here."""
    money = [invariant for invariant in INVARIANTS if not invariant.id.startswith("I-15")]
    return {
        finding.invariant.id: finding.shown for finding in prove(money, limit=3) if finding.count
    }


def its_statement_is_the_ledgers(owner_id: int) -> None:
    """Told at once, or in two halves of which the second goes on where the first ends."""
    first, last = business_day(START), business_day(timezone.now())
    middle = first + (last - first) / 2
    whole = statement_of(owner_id, first, last)
    halves = [statement_of(owner_id, first, middle), statement_of(owner_id, middle + DAY, last)]
    held, earned = (
        -ledger.balance(held_account(owner_id)),
        -ledger.balance(earned_account(owner_id)),
    )
    assert sum(line.held for line in whole.lines) == held
    assert sum(line.payable for line in whole.lines) == earned
    assert whole.opening == 0
    assert whole.closing == held + earned
    assert halves[0].closing == halves[1].opening
    assert halves[1].closing == whole.closing
    told = earnings_of(owner_id)
    assert (told.held, told.earned) == (held, earned)
