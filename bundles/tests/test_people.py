"""What a payment proves of a person, and what comes before the end of an account."""

from __future__ import annotations

import pytest

from accounts.errors import AccountInUse
from accounts.models import User
from accounts.services.delete_account import delete_account
from bundles.models import Seat, Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear, pay
from payments import ledger
from payments.models import Payment, Transfer
from payments.services.refund import refund_payment
from payments.tests.factories import a_customer, a_payment
from payments.tests.outgoing import FakeProvider
from payments.tests.outgoing import provider as provider

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "not-a-secret-1"


@pytest.fixture
def payment(provider: FakeProvider) -> Payment:
    return pay(a_customer(), a_bundle())


def delete(user: User, *, gives_up_service: bool = False) -> User:
    delete_account(user=user, password=PASSWORD, gives_up_service=gives_up_service)
    user.refresh_from_db()
    return user


def test_a_payment_from_the_accounts_own_phone_proves_it(payment: Payment) -> None:
    payment.payer.refresh_from_db()
    assert payment.payer.phone_verified_at is not None


def test_a_payment_from_another_phone_proves_nothing(provider: FakeProvider) -> None:
    customer = a_customer()
    asked = buy(customer, a_bundle())
    User.objects.filter(pk=customer.pk).update(phone="+255754999111")
    hear(asked)
    customer.refresh_from_db()
    assert customer.phone_verified_at is None


def test_a_running_service_is_given_up_knowingly(payment: Payment) -> None:
    with pytest.raises(AccountInUse, match="give it up"):
        delete(payment.payer)
    delete(payment.payer, gives_up_service=True)
    assert Subscription.objects.get().state == Subscription.State.ENDED
    assert not Seat.objects.exists()


def test_an_account_stays_while_a_payment_is_under_way(provider: FakeProvider) -> None:
    attempt = a_payment()
    with pytest.raises(AccountInUse, match="under way"):
        delete(attempt.payment.payer)


def test_an_account_stays_while_money_is_on_its_way_back(payment: Payment) -> None:
    refund_payment(payment_id=payment.pk, request_key="key", why="asked for")
    assert Transfer.objects.count() == 1
    with pytest.raises(AccountInUse, match="on its way to you"):
        delete(payment.payer)


def test_an_account_with_credit_stays() -> None:
    customer = a_customer()
    credit = ledger.credit_account(customer.pk)
    ledger.post(source="credit", memo="", lines=[("receipts", 700), (credit, -700)])
    with pytest.raises(AccountInUse, match="TZS 700"):
        delete(customer)


def test_an_owner_with_earnings_or_customers_stays(payment: Payment) -> None:
    owner = Subscription.objects.get().bundle.owner
    with pytest.raises(AccountInUse, match="paid out"):
        delete(owner)
    held = f"earnings_held:{owner.pk}"
    amount = ledger.balance(held)
    ledger.post(source="moved", memo="", lines=[(held, -amount), ("revenue", amount)])
    with pytest.raises(AccountInUse, match="still use your bundles"):
        delete(owner)


def test_an_owner_who_goes_sells_nothing_more() -> None:
    bundle = a_bundle()
    assert delete(bundle.owner).deleted_at is not None
    bundle.refresh_from_db()
    assert not bundle.is_active
