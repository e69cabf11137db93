"""What the status screen and the history show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle
from bundles.tests.factories import a_bundle
from payments.models import MobileMoneyTransaction, Payment
from payments.providers.base import Answer, Outcome, Reason
from payments.services.query import check_attempt
from payments.services.settle import settle
from tests.mobile_contract.app import initiate
from tests.mobile_contract.shapes import (
    PAGINATION,
    PAYMENT,
    PROVIDER,
    assert_error,
    assert_shape,
    assert_success,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment(app: APIClient, customer: User, bundle: Bundle) -> Any:
    return assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)


def status(app: APIClient, name: str) -> Any:
    return app.get(f"/api/payments/status/{name}")


def test_the_providers_are_listed_twice_in_one_answer(nobody: APIClient) -> None:
    """At the top level and under `data`: an old quirk of the app."""
    body = nobody.get("/api/payments/providers").json()
    assert body["providers"] == body["data"]["providers"]
    assert body["success"] is True
    for each in body["providers"]:
        assert_shape(each, PROVIDER)
    assert {each["provider"]: each["enabled"] for each in body["providers"]} == {
        "vodacom_mpesa": True,
        "tigo_pesa": True,
        "airtel_money": True,
    }


def test_a_payment_waits(app: APIClient, payment: Any) -> None:
    shown = assert_success(status(app, payment["payment_id"]))
    assert_shape(shown, PAYMENT)
    assert (shown["status"], shown["state"], shown["paid_at"]) == ("pending", "initiated", None)


def test_a_payment_completes(app: APIClient, payment: Any, pays: Callable[[str], None]) -> None:
    pays(payment["payment_id"])
    shown = assert_success(status(app, payment["payment_id"]))
    assert_shape(shown, PAYMENT)
    assert (shown["status"], shown["state"]) == ("completed", "completed")
    assert shown["paid_at"] is not None


def test_a_failed_payment_says_why(app: APIClient, payment: Any) -> None:
    settle(
        attempt_id=MobileMoneyTransaction.objects.get().pk,
        answer=Answer(outcome=Outcome.FAILED, reason=Reason.WRONG_PIN),
        source="webhook",
        evidence="test",
    )
    shown = assert_success(status(app, payment["payment_id"]))
    assert (shown["status"], shown["state"], shown["reason"]) == ("failed", "failed", "wrong_pin")


def test_an_expired_payment_shows_as_failed_with_its_exact_state(
    app: APIClient, payment: Any
) -> None:
    attempt = MobileMoneyTransaction.objects.get()
    MobileMoneyTransaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    check_attempt(attempt_id=attempt.pk)
    shown = assert_success(status(app, payment["payment_id"]))
    assert (shown["status"], shown["state"]) == ("failed", "expired")


def test_money_that_became_credit_shows_as_cancelled(
    app: APIClient, payment: Any, bundle: Bundle
) -> None:
    settle(
        attempt_id=MobileMoneyTransaction.objects.get().pk,
        answer=Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=bundle.price - 1),
        source="webhook",
        evidence="test",
    )
    shown = assert_success(status(app, payment["payment_id"]))
    assert (shown["status"], shown["state"]) == ("cancelled", "credited")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_query_is_answered_by_either_method_and_name(
    app: APIClient, payment: Any, method: str
) -> None:
    for name in (payment["payment_id"], payment["transaction_reference"]):
        response = getattr(app, method)(f"/api/payments/query/{name}")
        shown = assert_success(response)
        assert_shape(shown, PAYMENT)
        assert shown["payment_id"] == payment["payment_id"]


@pytest.mark.parametrize("path", ["status", "query"])
@pytest.mark.parametrize("name", ["nothing", "0", "x" * 500, "%00", "' OR 1=1 --"])
def test_a_payment_that_is_not_there(app: APIClient, path: str, name: str) -> None:
    assert_error(app.get(f"/api/payments/{path}/{name}"), 404)


def test_a_token_that_is_good_no_more_is_told_so(
    app: APIClient, customer: User, payment: Any
) -> None:
    assert_success(status(app, payment["payment_id"]))
    User.objects.filter(pk=customer.pk).update(is_active=False)
    assert_error(status(app, payment["payment_id"]), 401, "not_authenticated")
    User.objects.filter(pk=customer.pk).update(is_active=True)
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert_error(status(app, payment["payment_id"]), 401, "not_authenticated")


def test_anybody_elses_payment_is_not_there(stranger: APIClient, payment: Any) -> None:
    for name in (payment["payment_id"], payment["transaction_reference"]):
        assert_error(status(stranger, name), 404, "payment_not_found")
        assert_error(stranger.get(f"/api/payments/query/{name}"), 404, "payment_not_found")
        assert_error(stranger.post(f"/api/payments/query/{name}"), 404, "payment_not_found")
    assert assert_success(stranger.get("/api/payments/history"))["payments"] == []


def test_the_history_has_the_newest_first(
    app: APIClient, customer: User, payment: Any, pays: Callable[[str], None]
) -> None:
    pays(payment["payment_id"])
    later = assert_success(initiate(app, a_bundle().pk, customer.phone or ""), 201)
    data = assert_success(app.get("/api/payments/history"))
    assert [each["payment_id"] for each in data["payments"]] == [
        later["payment_id"],
        payment["payment_id"],
    ]
    for each in data["payments"]:
        assert_shape(each, PAYMENT)
    assert_shape(data["pagination"], PAGINATION)
    assert Payment.objects.count() == 2
