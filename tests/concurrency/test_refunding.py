"""Many who want to send the same money at once send it once."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import Any

import pytest

from accounts.models import User
from bundles.models import Activation, Purchase, Subscription
from bundles.services.earn import earned_account
from bundles.services.pay_owners import ask_payout
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear, pay
from payments import hooks, ledger
from payments.errors import NotRefundable
from payments.models import Payment, Transfer, TransferEvent
from payments.providers.base import Answer
from payments.services.decide_transfer import approve_transfer, reject_transfer
from payments.services.follow_up import follow_up
from payments.services.payout import pay_out
from payments.services.refund import refund_payment
from payments.services.return_credit import return_credit
from payments.services.send_transfer import send_transfer
from payments.services.settle_transfer import settle_transfer
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import SENT, FakeProvider, books, fail
from payments.tests.outgoing import provider as provider
from tests.at_once import at_once
from vpn.tests.factories import first_gateway

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def refund(payment: Payment, key: str, amount: int | None = None) -> Any:
    return partial(
        refund_payment, payment_id=payment.pk, request_key=key, why="asked for", amount=amount
    )


@pytest.fixture
def payment(provider: FakeProvider) -> Payment:
    first_gateway()
    return pay(a_customer(), a_bundle())


def test_ten_requests_give_one_open_refund(payment: Payment) -> None:
    ended = at_once([refund(payment, f"key:{number}", 600) for number in range(10)])

    assert len(ended.results) == 1
    assert all(isinstance(error, NotRefundable) for error in ended.errors), ended.errors
    assert Transfer.objects.get().amount == 600
    books()


def test_ten_repeats_of_one_request_give_one_transfer(payment: Payment) -> None:
    ended = at_once([refund(payment, "the same")] * 10)

    assert ended.errors == []
    assert {transfer.pk for transfer in ended.results} == {Transfer.objects.get().pk}


def test_ten_workers_send_once(provider: FakeProvider, payment: Payment) -> None:
    transfer = refund(payment, "key")()
    ended = at_once([partial(send_transfer, transfer_id=transfer.pk)] * 10)

    assert ended.errors == []
    assert len(provider.sent) == 1
    transfer.refresh_from_db()
    assert (transfer.state, transfer.sends) == ("succeeded", 1)


def test_ten_bringers_of_the_same_news_give_one_result(
    provider: FakeProvider, payment: Payment
) -> None:
    provider.answers = [Answer(outcome=SENT.outcome.PENDING)]
    transfer = refund(payment, "key")()
    send_transfer(transfer_id=transfer.pk)
    news = partial(
        settle_transfer,
        transfer_id=transfer.pk,
        answer=SENT,
        source=TransferEvent.Source.WEBHOOK,
        evidence="test",
    )
    ended = at_once([news] * 10)

    assert ended.errors == []
    assert ended.results.count(True) == 1
    assert transfer.postings.count() == 2


@pytest.mark.parametrize("turn", range(5))
def test_nobody_is_refunded_and_served(provider: FakeProvider, turn: int) -> None:
    first_gateway()
    waiting = buy(a_customer(), a_bundle())
    kept = list(hooks.completed._handlers)
    hooks.completed._handlers[:] = [fail]
    try:
        hear(waiting)
    finally:
        hooks.completed._handlers[:] = kept
    assert waiting.disposition == ""
    follow = partial(follow_up, payment_id=waiting.pk)
    ended = at_once([follow, refund(waiting, "key"), follow, follow])

    assert ended.errors == []
    waiting.refresh_from_db()
    if waiting.disposition == "refunded":
        assert not Activation.objects.exists()
        assert Purchase.objects.get().state == "awaiting_payment"
    else:
        assert Activation.objects.get().withdrawn_at is not None
        assert not Subscription.objects.filter(state="active").exists()
    assert Transfer.objects.get().amount == 1000
    books()


def test_credit_goes_out_by_one_of_two_ways(provider: FakeProvider) -> None:
    first_gateway()
    payment = hear(buy(a_customer(), a_bundle()), amount=400)
    assert payment.disposition == "credited"
    give_back = partial(return_credit, customer_id=payment.payer_id, request_key="credit")
    at_once([give_back, refund(payment, "refund")])

    assert Transfer.objects.get().amount == 400
    assert ledger.credit_of(payment.payer_id) == 0


def test_two_customers_taps_send_credit_back_once(provider: FakeProvider) -> None:
    first_gateway()
    payment = hear(buy(a_customer(), a_bundle()), amount=400)
    ended = at_once([partial(return_credit, customer_id=payment.payer_id)] * 10)

    assert ended.errors == []
    assert {transfer.pk for transfer in ended.results} == {Transfer.objects.get().pk}


def test_two_staff_pay_out_no_more_than_was_earned(provider: FakeProvider) -> None:
    ledger.post(source="earned", memo="", lines=[("x", 1000), ("earnings:1", -1000)])
    owner: User = an_owner()
    staff = a_customer()
    at_once(
        [
            partial(
                pay_out,
                payee_id=owner.pk,
                account="earnings:1",
                amount=600,
                request_key=str(number),
                why="August",
                by=staff,
            )
            for number in range(10)
        ]
    )

    assert Transfer.objects.get().amount == 600
    assert ledger.balance("earnings:1") == -400


def test_an_owners_taps_are_one_payout(provider: FakeProvider) -> None:
    """Without a key, though there is enough for two."""
    owner: User = an_owner()
    account = earned_account(owner.pk)
    ledger.post(source="earned", memo="", lines=[("x", 1000), (account, -1000)])
    ended = at_once([partial(ask_payout, person=owner, amount=400)] * 10)

    assert ended.errors == []
    assert {transfer.pk for transfer in ended.results} == {Transfer.objects.get().pk}
    assert ledger.balance(account) == -600


def test_approving_and_rejecting_at_once_is_one_decision(
    provider: FakeProvider, payment: Payment
) -> None:
    transfer = refund(payment, "key")()
    Transfer.objects.update(state="requested", next_check_at=None)
    lock, people = Lock(), [a_customer() for _ in range(10)]

    def decide(approves: bool) -> Any:
        with lock:
            person = people.pop()
        decision = approve_transfer if approves else reject_transfer
        return decision(transfer_id=transfer.pk, by=person, why="seen")

    ended = at_once([partial(decide, number % 2 == 0) for number in range(10)])
    transfer.refresh_from_db()
    assert transfer.state in ("queued", "rejected")
    assert transfer.events.count() <= 3
    assert len(ended.results) >= 1
    books()
