"""A request that is repeated does nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.errors import IdempotencyKeyReused, RequestInFlight
from payments.models import IdempotentRequest
from payments.services.idempotency import (
    InvalidIdempotencyKey,
    claim_key,
    fingerprint,
    forget_old_keys,
    keep_result,
    release_key,
)
from payments.tests.factories import a_customer, a_payment

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"bundle_id": 1, "phone_number": "0754000001"}


def test_the_first_request_gets_the_key_and_a_repetition_the_result() -> None:
    attempt = a_payment()
    user = attempt.payment.payer
    claimed = claim_key(user=user, key="k1", body=BODY)
    assert claimed.payment is None
    keep_result(claimed=claimed, payment=attempt.payment)
    assert claim_key(user=user, key="k1", body=BODY).payment == attempt.payment


def test_a_key_in_flight_is_refused_and_freed_when_its_request_died() -> None:
    user = a_customer()
    claim_key(user=user, key="k1", body=BODY)
    with pytest.raises(RequestInFlight) as refusal:
        claim_key(user=user, key="k1", body=BODY)
    assert refusal.value.retry_after_seconds == 2
    IdempotentRequest.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    assert claim_key(user=user, key="k1", body=BODY).payment is None


def test_a_key_for_another_body_is_refused() -> None:
    user = a_customer()
    claim_key(user=user, key="k1", body=BODY)
    with pytest.raises(IdempotencyKeyReused):
        claim_key(user=user, key="k1", body={**BODY, "bundle_id": 2})


def test_keys_belong_to_one_person() -> None:
    claim_key(user=a_customer(), key="k1", body=BODY)
    assert claim_key(user=a_customer(), key="k1", body=BODY).payment is None


def test_a_refused_request_may_be_mended_and_sent_again() -> None:
    user = a_customer()
    release_key(claimed=claim_key(user=user, key="k1", body=BODY))
    assert claim_key(user=user, key="k1", body={"bundle_id": 2}).payment is None


@pytest.mark.parametrize("key", ["", "x" * 65, "a\nb", "é"])
def test_a_key_is_up_to_64_printable_characters(key: str) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        claim_key(user=a_customer(), key=key, body=BODY)


def test_the_order_of_fields_does_not_matter() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_old_keys_are_forgotten() -> None:
    user = a_customer()
    claim_key(user=user, key="old", body=BODY)
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(days=9))
    claim_key(user=user, key="new", body=BODY)
    assert forget_old_keys() == 1
