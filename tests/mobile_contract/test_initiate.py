"""Asking to pay: what the released app sends, and everything else that arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle, Purchase, Seat
from bundles.tests.factories import a_bundle
from payments.models import MobileMoneyTransaction, Payment
from payments.tests.factories import a_customer
from tests.mobile_contract.app import initiate, signed_in
from tests.mobile_contract.shapes import INITIATED, assert_error, assert_shape, assert_success

pytestmark = pytest.mark.django_db(transaction=True)

NETWORKS = [
    ("+255754000001", "vodacom_mpesa"),
    ("+255714000001", "tigo_pesa"),
    ("+255684000001", "airtel_money"),
]


def nothing_was_started() -> bool:
    return not (Payment.objects.exists() or Purchase.objects.exists() or Seat.objects.exists())


def test_the_released_app_pays(app: APIClient, customer: User, bundle: Bundle) -> None:
    data = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
    assert_shape(data, INITIATED)
    assert "redirect_url" not in data
    assert data["bundle_id"] == bundle.pk
    assert data["amount"] == bundle.price


@pytest.mark.parametrize(("phone", "provider"), NETWORKS)
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"provider": "auto", "payment_method": "auto"},
        {"provider": "", "payment_method": ""},
        {"provider": None, "payment_method": None},
        {"provider": "pesapal", "payment_method": "auto"},
    ],
)
def test_the_provider_is_worked_out_from_the_number(
    app: APIClient, bundle: Bundle, phone: str, provider: str, words: dict[str, str | None]
) -> None:
    data = assert_success(initiate(app, bundle.pk, phone, **words), 201)
    assert data["payment_method"] == provider


def test_a_missing_provider_is_worked_out_too(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    body = {"bundle_id": bundle.pk, "phone_number": customer.phone}
    response = app.post("/api/payments/initiate", body, format="json")
    assert assert_success(response, 201)["payment_method"] == "vodacom_mpesa"


@pytest.mark.parametrize("where", ["provider", "payment_method"])
def test_a_provider_that_is_named_is_taken(app: APIClient, bundle: Bundle, where: str) -> None:
    """Numbers can be carried to another network, so the customer has the last word."""
    data = assert_success(initiate(app, bundle.pk, "+255754000002", **{where: "airtel_money"}), 201)
    assert data["payment_method"] == "airtel_money"


@pytest.mark.parametrize("where", ["provider", "payment_method"])
@pytest.mark.parametrize("word", ["visa", "MPESA", "vodacom", "x" * 300])
def test_an_unknown_provider_is_refused(
    app: APIClient, customer: User, bundle: Bundle, where: str, word: str
) -> None:
    assert_error(initiate(app, bundle.pk, customer.phone or "", **{where: word}), 400)
    assert nothing_was_started()


@pytest.mark.parametrize("is_asked", [False, True], ids=["new", "under way"])
def test_one_unknown_word_is_enough_to_refuse(
    app: APIClient, customer: User, bundle: Bundle, is_asked: bool
) -> None:
    phone = customer.phone or ""
    if is_asked:
        assert_success(initiate(app, bundle.pk, phone), 201)
    answer = initiate(app, bundle.pk, phone, provider="vodacom_mpesa", payment_method="visa")
    assert_error(answer, 400, "unknown_provider")


def test_an_unassigned_range_needs_a_named_provider(app: APIClient, bundle: Bundle) -> None:
    assert_error(initiate(app, bundle.pk, "+255640000001"), 400, "unknown_provider")
    assert_success(initiate(app, bundle.pk, "+255640000001", provider="tigo_pesa"), 201)


@pytest.mark.parametrize(
    "typed", ["+255754000003", "255754000003", "0754000003", "0754 000 003", "0754-000-003"]
)
def test_a_number_is_understood_as_people_type_it(
    app: APIClient, bundle: Bundle, typed: str
) -> None:
    assert_success(initiate(app, bundle.pk, typed), 201)
    assert MobileMoneyTransaction.objects.get().customer_phone == "+255754000003"


@pytest.mark.parametrize(
    "typed",
    [
        "+254712345678",
        "+14155550100",
        "0900 123 456",
        "+255800123456",
        "0754",
        "07540000031",
        "0254000003",
        "not a number",
        "",
        "+255754000003; DROP TABLE",
        "٠٧٥٤٠٠٠٠٠٣",
        None,
        754,
        ["0754000003"],
    ],
)
def test_a_foreign_or_malformed_number_is_refused(
    app: APIClient, bundle: Bundle, typed: Any
) -> None:
    assert_error(initiate(app, bundle.pk, typed), 400)
    assert nothing_was_started()


@pytest.mark.parametrize("bundle_id", [None, "abc", 1.5, -1, 0, 10**30, {}, [], True])
def test_a_bundle_id_that_is_none_is_refused(
    app: APIClient, customer: User, bundle_id: Any
) -> None:
    response = initiate(app, bundle_id, customer.phone or "")
    assert_error(response, response.status_code)
    assert response.status_code in (400, 404)


def test_a_bundle_that_is_gone(app: APIClient, customer: User) -> None:
    assert_error(initiate(app, 999_999, customer.phone or ""), 404, "bundle_not_found")
    assert nothing_was_started()


def test_a_bundle_off_sale(app: APIClient, customer: User) -> None:
    bundle = a_bundle(is_active=False)
    assert_error(initiate(app, bundle.pk, customer.phone or ""), 409, "bundle_unavailable")
    assert nothing_was_started()


def test_a_bundle_sold_out(app: APIClient, customer: User) -> None:
    bundle, other = a_bundle(max_clients=1), a_customer()
    assert_success(initiate(signed_in(other), bundle.pk, other.phone or ""), 201)
    assert_error(initiate(app, bundle.pk, customer.phone or ""), 409, "bundle_sold_out")
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    "price", [{"amount": 1}, {"price": 1}, {"amount": "free", "price": -5, "currency": "USD"}]
)
def test_a_price_in_the_request_is_ignored(
    app: APIClient, customer: User, bundle: Bundle, price: dict[str, Any]
) -> None:
    data = assert_success(initiate(app, bundle.pk, customer.phone or "", **price), 201)
    assert (data["amount"], data["currency"]) == (bundle.price, "TZS")
    assert Payment.objects.get().amount == bundle.price


def test_nothing_else_in_the_request_becomes_the_payments(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    stranger = a_customer()
    planted = {
        "status": "completed",
        "state": "completed",
        "payer": stranger.pk,
        "user_id": stranger.pk,
        "payment_id": "mine",
        "paid_at": "2026-01-01T00:00:00Z",
        "disposition": "fulfilled",
    }
    data = assert_success(initiate(app, bundle.pk, customer.phone or "", **planted), 201)
    payment = Payment.objects.get()
    assert (payment.payer_id, payment.state, payment.disposition) == (customer.pk, "initiated", "")
    assert data["payment_id"] != "mine"


def test_asking_again_gives_the_payment_that_is_alive(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    first = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
    second = assert_success(initiate(app, bundle.pk, customer.phone or ""))
    assert second == first
    assert MobileMoneyTransaction.objects.count() == 1


def test_another_phone_for_the_same_bundle_has_to_wait(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
    assert_error(initiate(app, bundle.pk, "+255754000009"), 409, "payment_in_progress")


def test_whoever_has_not_signed_in_cannot_pay(nobody: APIClient, bundle: Bundle) -> None:
    assert_error(initiate(nobody, bundle.pk, "+255754000001"), 401)


def test_too_many_requests_say_when_to_come_back(
    app: APIClient, customer: User, pays: Callable[[str], None]
) -> None:
    for _ in range(3):
        bundle = a_bundle()
        data = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
        pays(data["payment_id"])
    response = initiate(app, a_bundle().pk, customer.phone or "")
    assert_error(response, 429, "too_many_payment_requests")
    assert 0 < int(response["Retry-After"]) <= 600
