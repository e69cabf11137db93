"""What newer apps show of money that goes back, in the contract's envelope."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from payments.models import Payment, Transfer
from payments.providers.base import Outcome
from payments.services.refund import refund_payment
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer
from payments.tests.outgoing import FakeProvider
from payments.tests.outgoing import provider as provider
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import (
    PAGINATION,
    amount,
    assert_error,
    assert_shape,
    assert_success,
    text,
    text_or_null,
    time,
    time_or_null,
)
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

TRANSFER = {
    "transfer_id": text,
    "kind": text,
    "amount": amount,
    "currency": lambda value: value == "TZS",
    "state": text,
    "payment_method": text,
    "phone": text,
    "receipt": text,
    "payment_id": text_or_null,
    "created_at": time,
    "finished_at": time_or_null,
}


@pytest.fixture
def credited(provider: FakeProvider) -> Payment:
    """400 TZS were paid for a bundle of 1,000: they are credit."""
    first_gateway()
    return hear(buy(a_customer(), a_bundle()), amount=400)


@pytest.fixture
def app(credited: Payment) -> APIClient:
    return signed_in(credited.payer)


def give_back(app: APIClient, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return app.post("/api/payments/credit/return", body, format="json", headers=headers)


def test_the_credit(app: APIClient) -> None:
    assert assert_success(app.get("/api/payments/credit")) == {"balance": 400, "currency": "TZS"}
    nobody = signed_in(a_customer())
    assert assert_success(nobody.get("/api/payments/credit"))["balance"] == 0


def test_credit_is_sent_back_to_the_number_that_paid(app: APIClient, credited: Payment) -> None:
    data = assert_success(give_back(app), 201)
    assert_shape(data, TRANSFER)
    transfer = Transfer.objects.get()
    assert (data["transfer_id"], data["amount"], data["state"]) == (
        transfer.reference,
        400,
        "queued",
    )
    phone = credited.attempts.get().customer_phone
    assert data["phone"] != phone
    assert data["phone"][-3:] == phone[-3:]
    assert assert_success(app.get("/api/payments/credit"))["balance"] == 0


def test_two_taps_are_one_transfer(app: APIClient) -> None:
    first = assert_success(give_back(app, amount=100), 201)
    assert assert_success(give_back(app, amount=100), 201) == first


def test_a_key_is_honoured_and_is_the_persons_own(app: APIClient) -> None:
    first = assert_success(give_back(app, "k", amount=100), 201)
    assert assert_success(give_back(app, "k", amount=100), 201) == first
    assert_error(give_back(app, "k", amount=200), 422, "idempotency_key_reused")
    second = assert_success(give_back(app, "l", amount=100), 201)
    assert second["transfer_id"] != first["transfer_id"]
    other = signed_in(a_customer())
    assert_error(give_back(other, "k", amount=100), 409, "not_refundable")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": 0}, 400, "validation_error"),
        ({"amount": "many"}, 400, "validation_error"),
        ({"amount": 401}, 409, "not_refundable"),
    ],
)
def test_what_cannot_go_back(app: APIClient, body: Any, status: int, code: str) -> None:
    assert_error(give_back(app, **body), status, code)
    assert not Transfer.objects.exists()


@pytest.mark.parametrize("key", ["x" * 65, "\u00e9"])
def test_what_is_no_key(app: APIClient, key: str) -> None:
    assert_error(give_back(app, key), 400, "invalid_idempotency_key")


def test_a_person_sees_the_money_sent_to_that_person_and_no_other(
    app: APIClient, credited: Payment
) -> None:
    give_back(app, "a", amount=100)
    give_back(app, "b", amount=200)
    data = assert_success(app.get("/api/payments/transfers?limit=1"))
    assert_shape(data["pagination"], PAGINATION)
    assert data["pagination"]["total_items"] == 2
    assert [transfer["amount"] for transfer in data["transfers"]] == [200]
    others = assert_success(signed_in(a_customer()).get("/api/payments/transfers"))
    assert others["transfers"] == []


def shown(payment: Payment) -> tuple[str, str]:
    app = signed_in(payment.payer)
    data = assert_success(app.get(f"/api/payments/status/{payment.public_id}"))
    return data["state"], data["status"]


def test_a_payment_tells_what_became_of_its_money(
    provider: FakeProvider, credited: Payment
) -> None:
    def refund(payment: Payment, amount: int | None = None) -> None:
        refund_payment(
            payment_id=payment.pk, request_key=payment.public_id, why="test", amount=amount
        )

    assert shown(credited) == ("credited", "cancelled")
    refund(credited)
    assert shown(credited) == ("refunded", "cancelled")
    sold = [hear(buy(a_customer(), a_bundle())) for _ in range(3)]
    assert shown(sold[0]) == ("completed", "completed")
    refund(sold[0], 400)
    assert shown(sold[0]) == ("completed", "completed")
    refund(sold[1])
    assert shown(sold[1]) == ("refunded", "cancelled")
    hear(sold[2], Outcome.REVERSED)
    assert shown(sold[2]) == ("reversed", "cancelled")
