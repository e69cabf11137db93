"""What the app asks for most costs the database the same however much there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from bundles.api import catalogue
from bundles.models import Bundle
from bundles.tests.factories import a_bundle
from payments.models import Payment
from payments.tests.factories import a_customer
from tests.mobile_contract.app import initiate, signed_in, token_of
from tests.mobile_contract.shapes import assert_success

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MORE = 2, 20


def queries(ask: Callable[[], Any]) -> int:
    ask()  # what is put together once
    with CaptureQueriesContext(connection) as asked:
        assert_success(ask())
    return len(asked)


def test_the_list_of_bundles(nobody: APIClient) -> None:
    def made_anew() -> Any:
        catalogue._kept.cache_clear()
        return nobody.get("/api/bundles?limit=100")

    for count in (FEW, MORE):
        for _ in range(count):
            a_bundle()
        assert queries(made_anew) == 3
        assert queries(lambda: nobody.get("/api/bundles?limit=100")) == 1


def test_a_payments_status(app: APIClient, customer: User, bundle: Bundle) -> None:
    waiting = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
    for count in (FEW, MORE):
        for _ in range(count):
            Payment.objects.create(
                payer=customer, subject="", amount=1000, payment_method="tigo_pesa", state="failed"
            )
            token_of(customer)
        assert queries(lambda: app.get(f"/api/payments/status/{waiting['payment_id']}")) == 1


def test_passing_by_the_framework_changes_no_answer(
    customer: User, bundle: Bundle, settings: Any
) -> None:
    waiting = assert_success(initiate(signed_in(customer), bundle.pk, customer.phone or ""), 201)
    paths = [f"/api/payments/status/{waiting['payment_id']}", "/api/bundles?limit=1"]
    at_once = [signed_in(customer).get(path) for path in paths]
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(".app_first")]
    usual = [signed_in(customer).get(path) for path in paths]
    assert [each.content for each in at_once] == [each.content for each in usual]
    assert [each["Content-Type"] for each in at_once] == [each["Content-Type"] for each in usual]


def test_signing_in(nobody: APIClient, customer: User) -> None:
    body = {"email": customer.email, "password": "not-a-secret-1"}
    costs = []
    for count in (FEW, MORE):
        for _ in range(count):
            signed_in(customer)
            a_customer()
        costs.append(queries(lambda: nobody.post("/api/auth/login", body, format="json")))
    assert costs[0] == costs[1] <= 8
