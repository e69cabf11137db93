"""What a customer has is bought again from their credit: once for each time that it is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services.delete_account import delete_account
from bundles.errors import BundleUnavailable, SubscriptionNotFound, SubscriptionOver
from bundles.models import Activation, Bundle, Owner, Purchase, Renewal, Seat, Subscription
from bundles.services.end import end_overdue_subscriptions
from bundles.services.owners import decide_owner
from bundles.services.renew import LOOK_AGAIN_AFTER, renew_due, switch_renewal
from bundles.services.use import begin_use, note_use
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear, pay
from bundles.tests.test_buy_with_credit import give_credit
from cases.models import Case
from common.transactions import retried
from notifications.models import Message
from payments import hooks, ledger
from payments.models import Disposition, MobileMoneyTransaction, Payment
from payments.providers.base import Outcome as Told
from payments.services.follow_up import TRIES_BEFORE_REFUND, follow_up
from payments.services.refund_to_credit import refund_to_credit
from payments.states import State
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)

Outcome = Renewal.Outcome


def subscribed(**bundle: Any) -> Subscription:
    """A month that has begun, to be bought again by itself."""
    customer = a_customer()
    pay(customer, a_bundle(**{"duration_days": 30, **bundle}))
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    return wanted(Subscription.objects.get(customer=customer))


def wanted(subscription: Subscription) -> Subscription:
    return switch_renewal(
        customer=subscription.customer, subscription_id=subscription.pk, is_wanted=True
    )


def near_its_end(subscription: Subscription, left: timedelta = timedelta(hours=2)) -> None:
    ends_at = timezone.now() + left
    Subscription.objects.filter(pk=subscription.pk).update(
        starts_at=ends_at - timedelta(days=30), ends_at=ends_at
    )


def use_up(subscription: Subscription) -> None:
    subscription.refresh_from_db()
    Subscription.objects.filter(pk=subscription.pk).update(
        data_used_bytes=subscription.data_limit_bytes
    )
    retried(note_use)([subscription.pk])


def look() -> Renewal:
    """What came of a look whose time has come."""
    Renewal.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(seconds=1))
    renew_due()
    for payment in Payment.objects.exclude(follow_up_at=None):
        follow_up(payment_id=payment.pk)
    return Renewal.objects.get()


def times_told(message_id: str) -> int:
    return Message.objects.filter(message_id=message_id).count()


@pytest.mark.parametrize("is_due", [near_its_end, use_up])
def test_what_is_nearly_over_or_used_up_is_bought_again_once(
    is_due: Callable[[Subscription], None],
) -> None:
    subscription = subscribed(max_clients=1)
    give_credit(subscription.customer, 5_000)
    is_due(subscription)
    before = Subscription.objects.get()
    assert look().outcome == look().outcome == Outcome.RENEWED
    after = Subscription.objects.get()
    assert after.ends_at - before.ends_at == timedelta(days=30)
    assert after.data_limit_bytes == 10_000_000_000
    assert after.used_up_at is None
    assert Seat.objects.count() == 1
    assert ledger.credit_of(subscription.customer_id) == 4_000
    payment = Payment.objects.get(payment_method="credit")
    assert Renewal.objects.get().purchase == Purchase.objects.get(pk=int(payment.subject[9:]))
    assert payment.disposition == Disposition.FULFILLED
    assert times_told("credit_paid") == 1


def test_nothing_is_bought_before_its_time_or_when_it_is_switched_off() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    assert look().outcome == ""
    near_its_end(subscription)
    switch_renewal(customer=subscription.customer, subscription_id=subscription.pk, is_wanted=False)
    look()
    assert ledger.credit_of(subscription.customer_id) == 5_000


def test_the_end_that_comes_sooner_than_it_was_is_seen() -> None:
    """The days begin with the first connection: until then the last day to begin is the end."""
    subscription = subscribed(starts_on_first_use=True, duration_days=1)
    give_credit(subscription.customer, 5_000)
    assert look().outcome == ""
    with_use = timezone.now() - timedelta(hours=22)
    Subscription.objects.update(starts_at=with_use)
    subscription.refresh_from_db()
    retried(begin_use)(subscription, at=with_use)
    assert renew_due() == 1


def test_what_has_not_begun_is_not_bought_a_second_time() -> None:
    subscription = subscribed(starts_on_first_use=True)
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    assert look().outcome == ""


def test_too_little_credit_is_told_once_and_tried_until_it_comes() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 400)
    near_its_end(subscription)
    for _ in range(3):
        assert look().outcome == Outcome.SHORT
    assert Message.objects.get(message_id="renewal_short").context["missing"] == 600
    assert renew_due() == 0, "it is not looked at all the time"
    give_credit(subscription.customer, 600)
    assert look().outcome == Outcome.RENEWED
    assert ledger.credit_of(subscription.customer_id) == 0


def test_the_next_period_is_told_of_again() -> None:
    subscription = subscribed()
    near_its_end(subscription)
    look()
    pay(subscription.customer, subscription.bundle)
    look()
    assert times_told("renewal_short") == 1
    near_its_end(subscription, timedelta(hours=1))
    look()
    assert times_told("renewal_short") == 2


def test_a_dearer_bundle_is_not_bought_and_told_once_until_it_is_wanted_at_its_price(
    admin_client: Client,
) -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    Bundle.objects.update(price=1_200)
    for _ in range(2):
        assert look().outcome == Outcome.DEARER
    assert Message.objects.get(message_id="renewal_dearer").context["amount"] == 1_200
    page = admin_client.get(f"/admin/bundles/subscription/{subscription.pk}/change/")
    assert "Yes, up to TZS 1,000. Costs more than when" in page.content.decode()
    wanted(subscription)
    assert look().outcome == Outcome.RENEWED
    assert ledger.credit_of(subscription.customer_id) == 3_800


def test_price_and_terms_are_those_of_the_moment() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    Bundle.objects.update(price=800, data_limit_gb=7)
    look()
    assert ledger.credit_of(subscription.customer_id) == 4_200
    assert Subscription.objects.get().data_limit_bytes == 12_000_000_000


def pause(subscription: Subscription) -> None:
    Bundle.objects.update(is_active=False)


def suspend(subscription: Subscription) -> None:
    owner = Owner.objects.create(
        person=subscription.bundle.owner,
        state="approved",
        about="x",
        connection_gb=1,
        connection_seats=1,
    )
    decide_owner(owner_id=owner.pk, state="suspended", by=subscription.customer, why="x")


@pytest.mark.parametrize("end_sale", [pause, suspend])
def test_what_is_not_sold_any_more_is_switched_off_and_told_once(
    end_sale: Callable[[Subscription], None],
) -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    end_sale(subscription)
    near_its_end(subscription)
    for _ in range(2):
        renewal = look()
        assert (renewal.is_on, renewal.outcome) == (False, Outcome.NOT_SOLD)
    assert times_told("renewal_not_sold") == 1
    assert ledger.credit_of(subscription.customer_id) == 5_000
    with pytest.raises(BundleUnavailable):
        wanted(subscription)


def test_it_ends_with_the_account() -> None:
    subscription = subscribed()
    customer = subscription.customer
    customer.set_password("not-a-secret-1")
    customer.save()
    delete_account(user=customer, password="not-a-secret-1", gives_up_service=True)
    assert not Renewal.objects.get().is_on


def test_an_account_that_staff_have_closed_buys_nothing() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    User.objects.update(is_active=False)
    assert look().outcome == Outcome.OVER


@pytest.mark.parametrize("is_last", [True, False])
def test_it_ends_with_money_that_went_back(is_last: bool) -> None:
    """The credit that came back would buy it at once."""
    subscription = subscribed()
    if is_last:
        hear(Payment.objects.get(), Told.REVERSED)
    else:
        give_credit(subscription.customer, 1_000)
        near_its_end(subscription)
        look()
        payment = Payment.objects.get(payment_method="credit")
        refund_to_credit(payment_id=payment.pk, why="not wanted", by=subscription.customer)
    renewal = look()
    assert (renewal.is_on, renewal.outcome) == (False, Outcome.TAKEN_BACK)
    assert Activation.objects.filter(withdrawn_at=None).count() == (0 if is_last else 1)


def test_nothing_is_bought_beside_a_payment_of_the_customers_own() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    own = buy(subscription.customer, subscription.bundle)
    assert look().outcome == Outcome.PAYING
    hear(own)
    assert look().outcome == Outcome.PAYING, "it was renewed by hand: nothing is due"
    assert ledger.credit_of(subscription.customer_id) == 5_000
    assert Activation.objects.count() == 2


def test_a_payment_that_may_still_go_through_is_waited_for() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    own = buy(subscription.customer, subscription.bundle)
    own.attempts.update(status=State.EXPIRED, posted_at=timezone.now())
    Payment.objects.filter(pk=own.pk).update(state=State.EXPIRED)
    assert look().outcome == Outcome.PAYING


def test_what_could_not_be_activated_is_not_bought_for_ever() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)

    def broken(_: Payment) -> None:
        raise RuntimeError("no service today")

    with hooks.completed.temporarily(broken):
        for _ in range(TRIES_BEFORE_REFUND):
            look()
    renewal = look()
    assert (renewal.is_on, renewal.outcome) == (False, Outcome.NOT_SERVED)
    assert ledger.credit_of(subscription.customer_id) == 5_000
    assert Payment.objects.filter(payment_method="credit").count() == 1
    assert Case.objects.count() == 1


def test_what_is_served_after_the_end_goes_on_being_bought_again() -> None:
    subscription = subscribed()
    give_credit(subscription.customer, 5_000)
    near_its_end(subscription)
    assert renew_due() == 1
    near_its_end(subscription, timedelta(seconds=-1))
    end_overdue_subscriptions()
    renewal = look()
    assert renewal.is_on
    assert renewal.subscription == Subscription.objects.exclude(pk=subscription.pk).get()
    assert Payment.objects.filter(payment_method="credit").count() == 1


def test_what_is_over_is_switched_off_and_cannot_be_switched_on() -> None:
    subscription = subscribed()
    near_its_end(subscription, timedelta(seconds=-1))
    renewal = look()
    assert (renewal.is_on, renewal.outcome) == (False, Outcome.OVER)
    with pytest.raises(SubscriptionOver):
        wanted(subscription)
    with pytest.raises(SubscriptionNotFound):
        switch_renewal(customer=a_customer(), subscription_id=subscription.pk, is_wanted=False)


def test_one_that_cannot_be_looked_at_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bundles.services.renew.BATCH", 1)
    for subscription in (subscribed(), subscribed()):
        give_credit(subscription.customer, 1_000)
        near_its_end(subscription)
    first = Renewal.objects.order_by("due_at")[0]
    with monkeypatch.context() as patch:
        patch.setattr("bundles.services.renew.pay_from_credit", lambda **_: 1 / 0)
        assert renew_due() == 0
    assert not Purchase.objects.filter(state="awaiting_payment").exists()
    assert renew_due() == 1
    first.refresh_from_db()
    assert first.due_at is not None
    assert first.due_at > timezone.now() + LOOK_AGAIN_AFTER / 2
