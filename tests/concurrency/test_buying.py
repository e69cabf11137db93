"""Many buyers at once: seats, phones and keys hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts.models import User
from bundles.errors import BundleSoldOut
from bundles.models import Bundle, Purchase, Seat
from bundles.services.buy import buy_bundle
from bundles.tests.factories import a_bundle
from payments.errors import PaymentInProgress
from payments.models import IdempotentRequest, MobileMoneyTransaction, Payment
from payments.tests.factories import a_customer, a_phone
from tests.at_once import at_once
from tests.mobile_contract.app import initiate, signed_in

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def buying(customer: User, bundle: Bundle, phone: str = "") -> Callable[[], Any]:
    return partial(
        buy_bundle,
        customer=customer,
        bundle_id=bundle.pk,
        phone=phone or customer.phone or "",
        provider="auto",
    )


def test_fifty_threads_buying_the_last_seat_sell_it_once() -> None:
    bundle = a_bundle(max_clients=1)
    people = [a_customer() for _ in range(50)]

    ended = at_once([buying(person, bundle) for person in people])

    assert len(ended.errors) == 49
    assert {type(error) for error in ended.errors} == {BundleSoldOut}
    assert Seat.objects.count() == 1
    assert Payment.objects.count() == MobileMoneyTransaction.objects.count() == 1


def test_fifty_threads_buying_ten_seats_sell_ten() -> None:
    bundle = a_bundle(max_clients=10)
    ended = at_once([buying(a_customer(), bundle) for _ in range(50)])

    assert {type(error) for error in ended.errors} == {BundleSoldOut}
    assert sorted(Seat.objects.values_list("number", flat=True)) == list(range(1, 11))
    assert Payment.objects.count() == 10


def test_twenty_accounts_prompting_one_phone_prompt_it_once() -> None:
    phone = a_phone()
    ended = at_once([buying(a_customer(), a_bundle(), phone) for _ in range(20)])

    assert len(ended.errors) == 19
    assert {type(error) for error in ended.errors} == {PaymentInProgress}
    assert MobileMoneyTransaction.objects.get().customer_phone == phone
    assert Seat.objects.count() == 1


def test_ten_taps_of_one_customer_start_one_payment() -> None:
    customer, bundle = a_customer(), a_bundle()
    ended = at_once([buying(customer, bundle)] * 10)

    assert ended.errors == []
    assert {payment.pk for payment, _ in ended.results} == {Payment.objects.get().pk}
    assert Purchase.objects.count() == 1


def test_one_idempotency_key_from_ten_threads_gives_one_payment() -> None:
    customer, bundle = a_customer(), a_bundle()
    key = {"Idempotency-Key": "one-key-for-all"}
    apps = [signed_in(customer) for _ in range(10)]

    ended = at_once(
        [partial(initiate, app, bundle.pk, customer.phone or "", headers=key) for app in apps]
    )

    assert ended.errors == []
    answers = [response.status_code for response in ended.results]
    assert set(answers) <= {201, 409}
    assert 201 in answers
    assert Payment.objects.count() == IdempotentRequest.objects.count() == 1


def test_customers_who_each_want_both_bundles_do_not_block_one_another() -> None:
    """Opposite orders of the same rows: what deadlocks is retried, and everybody is served."""
    first, second = a_bundle(), a_bundle()
    people = [a_customer() for _ in range(10)]
    calls = [buying(person, first) for person in people]
    calls += [buying(person, second, a_phone()) for person in people]

    assert at_once(calls).errors == []
    assert Payment.objects.count() == 20
