"""From the decision to buy to the subscription, on the real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from bundles.errors import (
    BundleNotFound,
    BundleSoldOut,
    BundleUnavailable,
    EarlierPaymentUnresolved,
)
from bundles.models import Activation, Bundle, Purchase, Seat, Subscription
from bundles.services.buy import buy_bundle
from bundles.services.end import end_overdue_subscriptions
from bundles.tests.factories import a_bundle
from cases.models import Case
from notifications.models import Message
from payments import hooks, ledger
from payments.errors import PaymentInProgress, UnknownProvider
from payments.models import Disposition, MobileMoneyTransaction, Payment
from payments.providers.base import Answer, Outcome, Reason
from payments.services.follow_up import follow_up
from payments.services.query import check_attempt
from payments.services.settle import settle
from payments.states import State
from payments.tests.factories import a_customer, a_phone

pytestmark = pytest.mark.django_db(transaction=True)


def buy(customer: User, bundle: Bundle, phone: str = "", provider: str = "auto") -> Payment:
    payment, _ = buy_bundle(
        customer=customer,
        bundle_id=bundle.pk,
        phone=phone or customer.phone or "",
        provider=provider,
    )
    return payment


def hear(payment: Payment, outcome: Outcome = Outcome.SUCCEEDED, **more: Any) -> Payment:
    values: dict[str, Any] = {"amount": payment.amount, **more}
    if outcome == Outcome.SUCCEEDED:
        values.setdefault("receipt", f"R{payment.pk}")
    settle(
        attempt_id=payment.attempts.get().pk,
        answer=Answer(outcome=outcome, code="x", **values),
        source="webhook",
        evidence="test",
    )
    payment.refresh_from_db()
    return payment


def pay(customer: User, bundle: Bundle) -> Payment:
    return hear(buy(customer, bundle))


def test_a_paid_purchase_becomes_a_subscription() -> None:
    customer, bundle = a_customer(), a_bundle()
    payment = pay(customer, bundle)
    subscription = Subscription.objects.get()
    assert payment.disposition == Disposition.FULFILLED
    assert subscription.data_limit_bytes == 5_000_000_000
    assert subscription.ends_at - subscription.starts_at == timedelta(days=1)
    assert Seat.objects.get().held_until is None
    assert Purchase.objects.get().state == Purchase.State.PAID
    assert Message.objects.filter(message_id="payment_received").count() == 1


def test_who_dies_between_serving_and_telling_leaves_the_telling_to_the_next() -> None:
    def dies(payment: Payment) -> None:
        raise RuntimeError("killed")

    with hooks.fulfilled.temporarily(dies):
        payment = pay(a_customer(), a_bundle())
    assert payment.disposition == Disposition.FULFILLED
    assert Subscription.objects.exists()
    assert not Message.objects.exists()
    assert payment.follow_up_at is not None
    for _ in range(2):
        follow_up(payment_id=payment.pk)
    assert Payment.objects.get().follow_up_at is None
    assert Message.objects.filter(message_id="payment_received").count() == 1
    assert Subscription.objects.count() == 1


def test_the_price_is_shared_out_to_the_shilling() -> None:
    bundle = a_bundle(price=3333)
    pay(a_customer(), bundle)
    assert ledger.balance("receipts") == 0
    assert ledger.balance("revenue") == -333
    assert ledger.balance(f"earnings_held:{bundle.owner_id}") == -3000


def test_the_same_tap_twice_is_one_payment() -> None:
    customer, bundle = a_customer(), a_bundle()
    assert buy(customer, bundle) == buy(customer, bundle)
    assert Purchase.objects.count() == 1


def test_another_phone_has_to_wait_for_the_first() -> None:
    customer, bundle = a_customer(), a_bundle()
    buy(customer, bundle)
    with pytest.raises(PaymentInProgress):
        buy(customer, bundle, phone=a_phone())


def test_buying_again_extends_without_a_second_seat() -> None:
    customer, bundle = a_customer(), a_bundle(max_clients=1)
    pay(customer, bundle)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(customer, bundle)
    subscription = Subscription.objects.get()
    assert subscription.data_limit_bytes == 10_000_000_000
    assert subscription.ends_at - subscription.starts_at == timedelta(days=2)
    assert Seat.objects.count() == 1
    assert Activation.objects.count() == 2


def test_a_sold_out_bundle_is_refused_and_a_failed_payment_frees_the_seat() -> None:
    bundle = a_bundle(max_clients=1)
    first = buy(a_customer(), bundle)
    second = a_customer()
    with pytest.raises(BundleSoldOut):
        buy(second, bundle)
    hear(first, Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
    assert buy(second, bundle).state == State.INITIATED


def test_a_late_payment_without_a_free_seat_becomes_credit() -> None:
    bundle = a_bundle(max_clients=1)
    late = buy(a_customer(), bundle)
    hear(late, Outcome.FAILED, reason=Reason.NO_ANSWER)
    pay(a_customer(), bundle)
    hear(late)
    assert late.disposition == Disposition.CREDITED
    assert ledger.balance(f"credit:{late.payer_id}") == -1000
    assert Case.objects.get().kind == "late_payment"
    assert Subscription.objects.count() == 1


def test_a_late_payment_with_a_free_seat_is_served() -> None:
    bundle = a_bundle(max_clients=1)
    late = buy(a_customer(), bundle)
    hear(late, Outcome.FAILED, reason=Reason.NO_ANSWER)
    hear(late)
    assert late.disposition == Disposition.FULFILLED
    assert Subscription.objects.count() == 1


def test_two_payments_for_one_purchase_give_one_subscription_and_credit() -> None:
    customer, bundle = a_customer(), a_bundle()
    first = buy(customer, bundle)
    hear(first, Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
    second = buy(customer, bundle)
    assert second != first
    hear(second)
    hear(first)
    assert (first.disposition, second.disposition) == (Disposition.CREDITED, Disposition.FULFILLED)
    assert Activation.objects.count() == 1
    assert Case.objects.get().kind == "paid_twice"


def test_a_changed_price_begins_a_new_purchase() -> None:
    customer, bundle = a_customer(), a_bundle()
    first = buy(customer, bundle)
    hear(first, Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
    Bundle.objects.update(price=2000)
    assert buy(customer, bundle).amount == 2000
    assert Purchase.objects.filter(state=Purchase.State.ABANDONED).count() == 1


def test_a_payment_that_may_still_go_through_is_warned_of_once() -> None:
    customer, bundle = a_customer(a_phone("tigo_pesa")), a_bundle()
    first = buy(customer, bundle)
    then = timezone.now() - timedelta(minutes=20)
    MobileMoneyTransaction.objects.update(
        status=State.PENDING, posted_at=then, created_at=then, expires_at=then
    )
    Payment.objects.update(state=State.PENDING)
    check_attempt(attempt_id=first.attempts.get().pk)
    with pytest.raises(EarlierPaymentUnresolved):
        buy(customer, bundle)
    assert buy(customer, bundle) != first


def test_what_is_not_sold_cannot_be_bought() -> None:
    customer = a_customer()
    with pytest.raises(BundleUnavailable):
        buy(customer, a_bundle(is_active=False))
    with pytest.raises(BundleNotFound):
        buy_bundle(customer=customer, bundle_id=999, phone=customer.phone or "", provider="auto")


def test_the_provider_is_worked_out_from_the_number_or_chosen() -> None:
    bundle = a_bundle()
    assert buy(a_customer(a_phone("airtel_money")), bundle).payment_method == "airtel_money"
    assert buy(a_customer(), bundle, provider="tigo_pesa").payment_method == "tigo_pesa"
    with pytest.raises(UnknownProvider):
        buy(a_customer(), bundle, provider="paypal")
    with pytest.raises(UnknownProvider):
        buy(a_customer("+255734000001"), bundle)


def test_a_subscription_ends_and_frees_its_seat() -> None:
    customer, bundle = a_customer(), a_bundle()
    pay(customer, bundle)
    now = timezone.now()
    Subscription.objects.update(
        starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
    )
    assert end_overdue_subscriptions() == 1
    assert end_overdue_subscriptions() == 0
    assert not Seat.objects.exists()
    assert Subscription.objects.get().state == Subscription.State.ENDED


def test_buying_after_the_end_and_before_the_sweep_begins_anew() -> None:
    customer, bundle = a_customer(), a_bundle()
    pay(customer, bundle)
    now = timezone.now()
    Subscription.objects.update(
        starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
    )
    MobileMoneyTransaction.objects.update(created_at=now - timedelta(hours=2))
    pay(customer, bundle)
    assert Subscription.objects.filter(state=Subscription.State.ACTIVE).count() == 1
    assert Seat.objects.get().held_until is None
