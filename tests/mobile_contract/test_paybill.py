"""Asking what to dial to pay by the provider's own menu."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle, Purchase
from bundles.tests.factories import a_bundle
from payments.bills import Payable
from payments.models import Bill, Payment, WebhookDelivery
from payments.services.take_bill import take_bill
from payments.tests.factories import a_customer
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import (
    PAYBILL,
    PAYMENT,
    assert_error,
    assert_shape,
    assert_success,
)

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/payments/paybill"


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = "600200"


def ask(app: APIClient, bundle_id: Any) -> Any:
    return app.post(PATH, {"bundle_id": bundle_id}, format="json")


def test_what_to_dial(app: APIClient, bundle: Bundle) -> None:
    data = assert_success(ask(app, bundle.pk))
    assert_shape(data, PAYBILL)
    assert (data["amount"], data["bundle_id"]) == (bundle.price, bundle.pk)
    assert data["reference"] == Purchase.objects.get().pay_reference
    assert data["numbers"] == [
        {"provider": "vodacom_mpesa", "name": "M-Pesa", "business_number": "600100"},
        {"provider": "tigo_pesa", "name": "Tigo Pesa", "business_number": "600200"},
    ]
    assert not Payment.objects.exists()


def test_asking_again_gives_the_same(app: APIClient, bundle: Bundle) -> None:
    first, second = (assert_success(ask(app, bundle.pk)) for _ in range(2))
    assert first["reference"] == second["reference"]


def test_a_provider_that_is_not_set_up_is_left_out(
    app: APIClient, bundle: Bundle, settings: Any
) -> None:
    settings.TIGO_PESA_COMPANY_NAME = ""
    numbers = assert_success(ask(app, bundle.pk))["numbers"]
    assert [number["provider"] for number in numbers] == ["vodacom_mpesa"]


def test_no_provider_that_is_set_up(app: APIClient, bundle: Bundle, settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = settings.MPESA_CONSUMER_KEY = ""
    assert_error(ask(app, bundle.pk), 503, "paybill_unavailable")
    assert not Purchase.objects.exists()


def test_the_refusals_of_any_purchase(app: APIClient) -> None:
    assert_error(ask(app, 999_999), 404, "bundle_not_found")
    assert_error(ask(app, a_bundle(is_active=False).pk), 409, "bundle_unavailable")
    full = a_bundle(max_clients=1)
    assert_success(ask(signed_in(a_customer()), full.pk))
    assert_error(ask(app, full.pk), 409, "bundle_sold_out")


@pytest.mark.parametrize("bundle_id", [None, "abc", -1, 10**30, {}, True])
def test_a_bundle_id_that_is_none_is_refused(app: APIClient, bundle_id: Any) -> None:
    assert ask(app, bundle_id).status_code in (400, 404)


def test_whoever_has_not_signed_in_is_told_nothing(nobody: APIClient, bundle: Bundle) -> None:
    assert_error(ask(nobody, bundle.pk), 401)


def test_money_for_no_bundle_can_still_be_read_in_the_history(
    app: APIClient, customer: User
) -> None:
    delivery = WebhookDelivery.objects.create(dialect="tigo_pesa", body=b"", body_bytes=0)
    bill = Bill(
        provider="tigo_pesa", dialect="tigo_pesa", receipt="BP1", amount=700, delivery=delivery
    )
    payable = Payable(payer_id=customer.pk, name="")
    take_bill(bill=bill, payable=payable, webhook_data={})
    (shown,) = assert_success(app.get("/api/payments/history"))["payments"]
    assert_shape(shown, PAYMENT)
    assert (shown["bundle_id"], shown["bundle_name"], shown["state"]) == (0, "", "credited")
