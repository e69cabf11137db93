"""What a purchase gave is taken back with its money; what stays is earned once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from bundles import hooks
from bundles.models import GIGABYTE, LAST_PACKET_BYTES, Activation, Seat, Subscription
from bundles.services.earn import release_earnings
from bundles.services.end import end_overdue_subscriptions
from bundles.services.use import note_use
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import hear, pay
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, Transfer
from payments.providers.base import Outcome
from payments.services.refund import refund_payment
from payments.tests.factories import a_customer
from payments.tests.outgoing import LOST, REFUSED, FakeProvider, books, checked, sent
from payments.tests.outgoing import provider as provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ended() -> Iterator[list[int]]:
    """The subscriptions that were told to be withdrawn."""
    told: list[int] = []
    with hooks.subscription_withdrawn.temporarily(
        lambda subscription: told.append(subscription.pk)
    ):
        yield told


@pytest.fixture
def payment(provider: FakeProvider) -> Payment:
    """A sale of 1,000 TZS, of which the owner gets 900."""
    return pay(a_customer(), a_bundle())


def refund(payment: Payment, amount: int | None = None, *, ends_service: bool = False) -> Transfer:
    return refund_payment(
        payment_id=payment.pk,
        request_key=f"key:{Transfer.objects.count()}",
        why="asked for",
        amount=amount,
        ends_service=ends_service,
    )


def owner_of(payment: Payment) -> int:
    return Subscription.objects.get(customer=payment.payer).bundle.owner_id


def held_and_earned(payment: Payment) -> tuple[int, int]:
    owner = owner_of(payment)
    return -ledger.balance(f"earnings_held:{owner}"), -ledger.balance(f"earnings:{owner}")


def buy_again(payment: Payment) -> Payment:
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    return pay(payment.payer, Subscription.objects.get().bundle)


def test_a_full_refund_ends_the_service_and_frees_the_seat(
    payment: Payment, ended: list[int]
) -> None:
    refund(payment)
    subscription = Subscription.objects.get()
    assert subscription.state == Subscription.State.ENDED
    assert ended == [subscription.pk]
    assert not Seat.objects.exists()
    assert Activation.objects.get().withdrawn_at is not None


def test_a_reversal_by_the_provider_does_the_same(payment: Payment, ended: list[int]) -> None:
    hear(payment, Outcome.REVERSED)
    assert len(ended) == 1
    assert books() == {}


def test_a_partial_refund_leaves_the_service(payment: Payment, ended: list[int]) -> None:
    sent(refund(payment, 400))
    assert ended == []
    assert Subscription.objects.get().is_active


def test_a_part_for_what_is_unused_ends_the_service_with_it(
    payment: Payment, ended: list[int]
) -> None:
    transfer = refund(payment, 400, ends_service=True)
    assert (transfer.state, len(ended)) == ("queued", 1)
    assert Subscription.objects.get().state == Subscription.State.ENDED
    sent(transfer)
    assert release_earnings() == 1
    assert held_and_earned(payment) == (0, 540)  # what was used is sold


def test_what_another_purchase_pays_for_goes_on(payment: Payment, ended: list[int]) -> None:
    buy_again(payment)
    refund(payment)
    subscription = Subscription.objects.get()
    assert subscription.is_active
    assert subscription.data_limit_bytes == 5 * GIGABYTE
    assert subscription.ends_at - subscription.starts_at == timedelta(days=1)
    assert Seat.objects.count() == 1
    assert ended == []


def test_the_last_one_withdrawn_ends_it(payment: Payment, ended: list[int]) -> None:
    second = buy_again(payment)
    refund(payment)
    refund(second)
    assert len(ended) == 1


def test_what_is_past_its_end_is_only_noted(payment: Payment, ended: list[int]) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        end_overdue_subscriptions()
        refund(payment)
    assert ended == []
    assert Activation.objects.get().withdrawn_at is not None


@pytest.mark.parametrize("how", ["after the window", "past its end", "used up"])
def test_a_sale_is_earned_once_it_is_delivered(payment: Payment, how: str) -> None:
    assert release_earnings() == 0
    assert held_and_earned(payment) == (900, 0)
    if how == "after the window":
        Activation.objects.update(created_at=timezone.now() - timedelta(days=3))
    elif how == "past its end":
        Subscription.objects.update(ends_at=timezone.now(), starts_at=timezone.now() - timedelta(1))
        end_overdue_subscriptions()
    else:
        Subscription.objects.update(data_used_bytes=5 * GIGABYTE - LAST_PACKET_BYTES + 1)
        note_use([Subscription.objects.get().pk])
    assert release_earnings() == 1
    assert held_and_earned(payment) == (0, 900)
    assert release_earnings() == 0
    assert held_and_earned(payment) == (0, 900)


def deliver_all() -> None:
    Activation.objects.update(created_at=timezone.now() - timedelta(days=4))


def test_what_went_back_is_not_earned(payment: Payment) -> None:
    sent(refund(payment, 400))
    deliver_all()
    assert release_earnings() == 1
    assert held_and_earned(payment) == (0, 540)


def test_a_sale_that_went_back_wholly_earns_nothing(payment: Payment) -> None:
    sent(refund(payment))
    assert release_earnings() == 1
    assert held_and_earned(payment) == (0, 0)
    assert release_earnings() == 0


def test_what_a_failed_refund_gives_back_is_earned_after_it(
    provider: FakeProvider, payment: Payment
) -> None:
    provider.answers = [LOST, REFUSED]
    transfer = sent(refund(payment, 400))
    deliver_all()
    assert release_earnings() == 0
    checked(transfer)
    assert release_earnings() == 1
    assert held_and_earned(payment) == (0, 900)


def test_a_refund_of_what_is_earned_may_leave_the_owner_owing(payment: Payment) -> None:
    deliver_all()
    release_earnings()
    owner = owner_of(payment)
    ledger.post(source="out", memo="paid out", lines=[(f"earnings:{owner}", 900), ("x", -900)])
    sent(refund(payment))
    assert held_and_earned(payment) == (0, -900)
    deliver_all()
    other = pay(a_customer(), Subscription.objects.get().bundle)
    deliver_all()
    release_earnings()
    assert ledger.balance(f"earnings:{owner}") == 0
    assert other.disposition == "fulfilled"
