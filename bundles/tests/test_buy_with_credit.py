"""A customer's credit pays for the next order, wholly or in part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from bundles.models import Activation, Bundle, Subscription
from bundles.services.buy import buy_bundle
from bundles.services.earn import earned_account, release_earnings
from bundles.tests.factories import a_bundle
from cases.models import Case
from notifications.models import Message
from payments import hooks, ledger
from payments.errors import NotRefundable
from payments.models import (
    CreditRequest,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    Transfer,
    TransferEvent,
    TransferRules,
)
from payments.providers.base import Answer, Outcome, Reason
from payments.services.decide_credit import approve_credit
from payments.services.follow_up import TRIES_BEFORE_REFUND, follow_up
from payments.services.open_transfer import Route
from payments.services.refund import refund_payment, refundable
from payments.services.refund_to_credit import creditable, refund_to_credit
from payments.services.settle import settle
from payments.services.settle_transfer import settle_transfer
from payments.states import State, TransferState
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)


def give_credit(customer: User, amount: int) -> None:
    ledger.post(
        source=f"test-credit:{customer.pk}:{amount}",
        memo="test",
        lines=[(ledger.BANK, amount), (ledger.credit_account(customer.pk), -amount)],
    )


def buy(customer: User, bundle: Bundle) -> Payment:
    payment, _ = buy_bundle(
        customer=customer,
        bundle_id=bundle.pk,
        phone=customer.phone or "",
        provider="auto",
        use_credit=True,
    )
    return payment


def hear(payment: Payment, answer: Answer) -> Payment:
    settle(attempt_id=payment.attempts.get().pk, answer=answer, source="webhook", evidence="test")
    payment.refresh_from_db()
    return payment


@pytest.fixture
def customer() -> User:
    return a_customer()


def test_enough_credit_pays_without_asking_any_phone(customer: User) -> None:
    give_credit(customer, 1200)
    payment = buy(customer, a_bundle(price=1000))
    assert (payment.state, payment.payment_method) == (State.COMPLETED, "credit")
    assert not MobileMoneyTransaction.objects.exists()
    follow_up(payment_id=payment.pk)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.FULFILLED
    assert Activation.objects.count() == 1
    assert ledger.credit_of(customer.pk) == 200
    assert ledger.balance(ledger.RECEIPTS) == 0


def test_some_credit_pays_a_part_and_the_phone_is_asked_for_the_rest(customer: User) -> None:
    give_credit(customer, 400)
    payment = buy(customer, a_bundle(price=1000))
    assert (payment.amount, payment.from_credit, payment.asked_amount) == (1000, 400, 600)
    assert ledger.credit_of(customer.pk) == 0
    hear(payment, Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=600))
    assert payment.disposition == Disposition.FULFILLED
    assert ledger.credit_of(customer.pk) == 0
    assert ledger.balance(ledger.RECEIPTS) == 0


def test_a_success_that_names_no_amount_is_of_what_was_asked(customer: User) -> None:
    give_credit(customer, 400)
    payment = hear(
        buy(customer, a_bundle(price=1000)), Answer(outcome=Outcome.SUCCEEDED, receipt="R1")
    )
    assert payment.paid_amount == 600
    assert ledger.balance("provider:vodacom_mpesa:collection") == 600


def test_a_payment_that_fails_gives_the_credit_back(customer: User) -> None:
    give_credit(customer, 400)
    payment = buy(customer, a_bundle(price=1000))
    hear(payment, Answer(outcome=Outcome.FAILED, reason=Reason.CANCELLED))
    assert ledger.credit_of(customer.pk) == 400
    assert ledger.balance(ledger.RECEIPTS) == 0


def test_a_late_success_after_that_is_all_credit(customer: User) -> None:
    give_credit(customer, 400)
    payment = buy(customer, a_bundle(price=1000))
    hear(payment, Answer(outcome=Outcome.FAILED, reason=Reason.CANCELLED))
    hear(payment, Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=600))
    assert payment.disposition == Disposition.CREDITED
    assert ledger.credit_of(customer.pk) == 1000
    assert Case.objects.get().kind == "underpaid"


def test_credit_is_spent_once_however_often_is_asked(customer: User) -> None:
    give_credit(customer, 400)
    first = buy(customer, a_bundle(price=1000))
    assert buy(customer, first_bundle(first)).pk == first.pk
    assert ledger.credit_of(customer.pk) == 0


def test_who_taps_again_before_it_is_served_has_paid_once(customer: User) -> None:
    """The first is complete from its beginning: it is alive no more, and has bought nothing yet."""
    give_credit(customer, 5_000)
    first = buy(customer, a_bundle(price=1000))
    assert buy(customer, first_bundle(first)) == first
    assert ledger.credit_of(customer.pk) == 4_000
    follow_up(payment_id=first.pk)
    assert buy(customer, first_bundle(first)) != first


def first_bundle(payment: Payment) -> Bundle:
    return Bundle.objects.get(purchases__id=int(payment.subject.partition(":")[2]))


def test_no_credit_asks_for_everything(customer: User) -> None:
    assert buy(customer, a_bundle(price=1000)).asked_amount == 1000


def test_what_a_provider_does_not_take_is_not_left_to_pay(customer: User, settings: Any) -> None:
    settings.MPESA_CONNECTION = {**settings.MPESA_CONNECTION, "amount_min": 100}
    give_credit(customer, 950)
    payment = buy(customer, a_bundle(price=1000))
    assert (payment.from_credit, payment.asked_amount) == (900, 100)


def test_what_cannot_be_activated_becomes_credit_again(customer: User) -> None:
    give_credit(customer, 1000)
    payment = buy(customer, a_bundle(price=1000))

    def broken(_: Payment) -> None:
        raise RuntimeError("no service today")

    with hooks.completed.temporarily(broken):
        for _ in range(TRIES_BEFORE_REFUND):
            follow_up(payment_id=payment.pk)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.CREDITED
    assert ledger.credit_of(customer.pk) == 1000
    assert not Activation.objects.exists()


def test_a_late_success_that_names_no_amount_is_what_the_phone_was_asked_for(
    customer: User,
) -> None:
    """The credit went back when the payment failed: it has not come by phone since."""
    give_credit(customer, 400)
    payment = buy(customer, a_bundle(price=1000))
    hear(payment, Answer(outcome=Outcome.FAILED, reason=Reason.NO_ANSWER))
    hear(payment, Answer(outcome=Outcome.SUCCEEDED, receipt="R1"))
    assert payment.paid_amount == 600
    assert ledger.balance("provider:vodacom_mpesa:collection") == 600
    assert payment.disposition == Disposition.CREDITED
    assert ledger.credit_of(customer.pk) == 1000


@pytest.fixture
def disbursing(monkeypatch: pytest.MonkeyPatch) -> None:
    route = Route(
        method="disbursement", provider="vodacom_mpesa", dialect="mpesa_daraja", phone="+255"
    )
    monkeypatch.setattr("payments.services.refund.disbursement_route", lambda *_: route)


def a_refund_under_way(customer: User, amount: int | None = None) -> tuple[Payment, Transfer]:
    """Of a payment of 600 TZS by phone and 400 from credit."""
    give_credit(customer, 400)
    payment = buy(customer, a_bundle(price=1000))
    hear(payment, Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=600))
    transfer = refund_payment(
        payment_id=payment.pk, request_key="key", why="asked for", amount=amount
    )
    Transfer.objects.update(state=TransferState.PENDING)
    return payment, transfer


def fail(transfer: Transfer) -> None:
    settle_transfer(
        transfer_id=transfer.pk,
        answer=Answer(outcome=Outcome.FAILED),
        source=TransferEvent.Source.QUERY,
        evidence="test",
    )


def test_a_refund_that_fails_after_a_reversal_leaves_all_credit_to_the_customer(
    customer: User, disbursing: None
) -> None:
    """Its money was the customer's credit, not the platform's loss: the reversal had cost nothing."""
    payment, transfer = a_refund_under_way(customer, 1)
    hear(payment, Answer(outcome=Outcome.REVERSED))
    fail(transfer)
    assert ledger.credit_of(customer.pk) == 400
    assert ledger.balance(ledger.REVENUE) == 0


def test_credit_that_a_failed_refund_gave_back_stays_given(
    customer: User, disbursing: None
) -> None:
    """The customer may have spent it meanwhile: only what was on its way comes back."""
    payment, transfer = a_refund_under_way(customer)
    assert (transfer.amount, ledger.credit_of(customer.pk)) == (600, 400)
    fail(transfer)
    assert ledger.credit_of(customer.pk) == 400
    assert refundable(payment) == 600


def bought_with_credit(customer: User, price: int = 1000) -> Payment:
    give_credit(customer, price)
    payment = buy(customer, a_bundle(price=price))
    follow_up(payment_id=payment.pk)
    payment.refresh_from_db()
    return payment


def test_what_credit_alone_has_paid_becomes_credit_again_and_its_service_ends(
    customer: User,
) -> None:
    payment = bought_with_credit(customer)
    assert (creditable(payment), refundable(payment)) == (1000, 0)
    assert refund_to_credit(payment_id=payment.pk, why="did not work", by=payment.payer) == 1000
    assert ledger.credit_of(customer.pk) == 1000
    assert ledger.lies_on(payment) == {}
    activation = Activation.objects.get()
    assert activation.withdrawn_at is not None
    assert activation.subscription.state == Subscription.State.ENDED
    told = Message.objects.get(message_id="payment_credit_again")
    assert (told.to, told.context) == (customer.phone, {"amount": 1000})
    assert not Transfer.objects.exists()


def test_much_credit_is_given_again_by_two_people_and_served_until_then(customer: User) -> None:
    TransferRules.objects.create(pk=1, four_eyes_above=999)
    payment = bought_with_credit(customer)
    one, two = (User.objects.create_user(f"{n}@example.test", "x", full_name=n) for n in "ab")
    asked = refund_to_credit(payment_id=payment.pk, why="did not work", by=one)
    assert isinstance(asked, CreditRequest)
    assert ledger.credit_of(customer.pk) == 0
    assert Subscription.objects.get().state == Subscription.State.ACTIVE
    approve_credit(request_id=asked.pk, by=two, why="seen")
    assert ledger.credit_of(customer.pk) == 1000
    assert Subscription.objects.get().state == Subscription.State.ENDED


def test_credit_is_given_again_once_also_when_it_is_spent_meanwhile(customer: User) -> None:
    payment = bought_with_credit(customer)
    refund_to_credit(payment_id=payment.pk, why="did not work", by=payment.payer)
    again = buy(customer, a_bundle(price=700))
    assert again.from_credit == 700
    assert refund_to_credit(payment_id=payment.pk, why="a double click", by=payment.payer) == 1000
    assert ledger.credit_of(customer.pk) == 300
    assert creditable(payment) == 0


def test_what_the_owner_has_earned_by_then_is_the_owners_no_more(customer: User) -> None:
    payment = bought_with_credit(customer)
    owner = Bundle.objects.get().owner
    Activation.objects.update(created_at=timezone.now() - timedelta(days=400))
    assert release_earnings() == 1
    refund_to_credit(payment_id=payment.pk, why="did not work", by=payment.payer)
    assert ledger.balance(earned_account(owner.pk)) == 0


def test_a_phones_payment_and_one_that_serves_nothing_are_no_credit_alone(customer: User) -> None:
    give_credit(customer, 400)
    mixed = buy(customer, a_bundle(price=1000))
    hear(mixed, Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=600))
    give_credit(customer, 700)
    unserved = buy(customer, a_bundle(price=700))
    for payment in (mixed, unserved):
        assert creditable(payment) == 0
        with pytest.raises(NotRefundable):
            refund_to_credit(payment_id=payment.pk, why="no", by=payment.payer)
    assert ledger.credit_of(customer.pk) == 0
