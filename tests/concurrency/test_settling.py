"""Many bringers of the same news give one result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from accounts.models import User
from bundles.models import Activation, Bundle, Seat, Subscription
from bundles.services.buy import buy_bundle
from bundles.tests.factories import a_bundle
from notifications.models import Message
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, PaymentEvent, Posting
from payments.providers.base import Answer, Outcome, Reason
from payments.services.follow_up import follow_up
from payments.services.settle import settle
from payments.tests.factories import a_customer
from tests.at_once import at_once
from vpn.models import Peer
from vpn.tests.factories import first_gateway

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def an_attempt(customer: User, bundle: Bundle) -> MobileMoneyTransaction:
    payment, _ = buy_bundle(
        customer=customer, bundle_id=bundle.pk, phone=customer.phone or "", provider="auto"
    )
    return payment.attempts.get()


def news(attempt: MobileMoneyTransaction, answer: Answer) -> Callable[[], bool]:
    return partial(settle, attempt_id=attempt.pk, answer=answer, source="webhook", evidence="test")


def success(attempt: MobileMoneyTransaction) -> Answer:
    return Answer(
        outcome=Outcome.SUCCEEDED,
        receipt=f"RECEIPT{attempt.pk}",
        amount=attempt.payment.amount,
    )


@pytest.fixture
def attempt(db: None) -> MobileMoneyTransaction:
    first_gateway()
    return an_attempt(a_customer(), a_bundle())


def test_ten_threads_complete_a_payment_once(attempt: MobileMoneyTransaction) -> None:
    ended = at_once([news(attempt, success(attempt))] * 10)

    assert ended.errors == []
    assert ended.results.count(True) == 1
    payment = Payment.objects.get()
    assert (payment.state, payment.disposition) == ("completed", "fulfilled")
    assert PaymentEvent.objects.filter(to_state="completed").count() == 1
    assert Posting.objects.filter(source=f"collection:{attempt.reference}").count() == 1
    assert Posting.objects.count() == 2
    assert ledger.balance(ledger.RECEIPTS) == 0
    assert Subscription.objects.count() == Activation.objects.count() == 1
    assert Peer.objects.count() == 1
    assert Seat.objects.get().held_until is None
    keys = Message.objects.values_list("key", flat=True)
    assert len(keys) == len(set(keys))


def test_contradicting_news_at_once_leaves_one_final_state(
    attempt: MobileMoneyTransaction,
) -> None:
    failure = Answer(outcome=Outcome.FAILED, reason=Reason.CANCELLED)
    ended = at_once([news(attempt, success(attempt)), news(attempt, failure)] * 5)

    assert ended.errors == []
    payment = Payment.objects.get()
    assert (payment.state, payment.disposition) == ("completed", "fulfilled")
    assert Subscription.objects.count() == 1
    assert ledger.balance(ledger.RECEIPTS) == 0


def test_ten_threads_fulfil_a_completed_payment_once(attempt: MobileMoneyTransaction) -> None:
    settle(attempt_id=attempt.pk, answer=success(attempt), source="webhook", evidence="test")
    Payment.objects.update(follow_up_at=Payment.objects.get().created_at)

    ended = at_once([partial(follow_up, payment_id=attempt.payment_id)] * 10)

    assert ended.errors == []
    assert Activation.objects.count() == Peer.objects.count() == 1


def test_one_receipt_pays_one_of_two_payments(attempt: MobileMoneyTransaction) -> None:
    other = an_attempt(a_customer(), attempt.payment.payer.bundles.first() or a_bundle())
    answer = success(attempt)
    ended = at_once([news(attempt, answer), news(other, answer)] * 5)

    assert ended.errors == []
    assert Payment.objects.filter(state="completed").count() == 1
    assert Subscription.objects.count() == 1


def test_twenty_payments_complete_side_by_side() -> None:
    """Different customers of one bundle and one gateway: all are served, with their own address."""
    first_gateway()
    bundle = a_bundle()
    attempts = [an_attempt(a_customer(), bundle) for _ in range(20)]

    ended = at_once([news(attempt, success(attempt)) for attempt in attempts])

    assert ended.errors == []
    assert Payment.objects.filter(disposition="fulfilled").count() == 20
    addresses = list(Peer.objects.values_list("address__number", flat=True))
    assert len(set(addresses)) == len(addresses) == 20
    numbers = list(Seat.objects.values_list("number", flat=True))
    assert len(set(numbers)) == 20
    assert ledger.balance(ledger.RECEIPTS) == 0
