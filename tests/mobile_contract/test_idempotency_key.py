"""A repeated request with the same Idempotency-Key does nothing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle
from bundles.tests.factories import a_bundle
from payments.models import IdempotentRequest, Payment
from payments.services.idempotency import claim_key
from tests.mobile_contract.app import initiate
from tests.mobile_contract.shapes import assert_error, assert_success

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"Idempotency-Key": "8f14e45f-ceea-467f-a0e6-1f2a3b4c5d6e"}


def test_a_repetition_gets_the_first_answer(app: APIClient, customer: User, bundle: Bundle) -> None:
    first = initiate(app, bundle.pk, customer.phone or "", headers=KEY)
    again = initiate(app, bundle.pk, customer.phone or "", headers=KEY)
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert assert_success(again, 201) == assert_success(first, 201)
    assert Payment.objects.count() == 1


def test_a_repetition_after_the_payment_starts_no_other(
    app: APIClient, customer: User, bundle: Bundle, pays: Callable[[str], None]
) -> None:
    first = assert_success(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 201)
    pays(first["payment_id"])
    again = assert_success(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 201)
    assert again["payment_id"] == first["payment_id"]
    assert Payment.objects.count() == 1


def test_the_same_key_for_another_request_is_refused(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    assert_success(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 201)
    other = initiate(app, a_bundle().pk, customer.phone or "", headers=KEY)
    assert_error(other, 422, "idempotency_key_reused")
    assert Payment.objects.count() == 1


def test_while_the_first_is_at_work_the_second_waits_two_seconds(
    app: APIClient, customer: User, bundle: Bundle
) -> None:
    body = {
        "bundle_id": bundle.pk,
        "phone_number": customer.phone,
        "provider": "pesapal",
        "payment_method": "pesapal",
    }
    claim_key(user=customer, key=KEY["Idempotency-Key"], body=body)
    response = initiate(app, bundle.pk, customer.phone or "", headers=KEY)
    assert_error(response, 409, "request_in_flight")
    assert response["Retry-After"] == "2"


def test_keys_of_two_people_are_two_keys(
    app: APIClient, stranger: APIClient, customer: User, bundle: Bundle
) -> None:
    first = assert_success(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 201)
    other = assert_success(initiate(stranger, bundle.pk, "+255754000008", headers=KEY), 201)
    assert other["payment_id"] != first["payment_id"]


def test_a_request_that_was_refused_can_be_mended(app: APIClient, customer: User) -> None:
    bundle = a_bundle(is_active=False)
    assert_error(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 409)
    bundle.is_active = True
    bundle.save()
    assert_success(initiate(app, bundle.pk, customer.phone or "", headers=KEY), 201)


@pytest.mark.parametrize("key", ["", "x" * 65, "naïve", "line\tbreak"])
def test_a_key_that_is_none_is_refused(
    app: APIClient, customer: User, bundle: Bundle, key: str
) -> None:
    response = initiate(app, bundle.pk, customer.phone or "", headers={"Idempotency-Key": key})
    assert_error(response, 400, "invalid_idempotency_key")
    assert not IdempotentRequest.objects.exists()
