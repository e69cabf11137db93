"""Callbacks from outside the allow-list: refused, kept, and never more than a hint."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from bundles.models import Subscription
from bundles.services.buy import buy_bundle
from bundles.tests.factories import a_bundle
from payments.models import MobileMoneyTransaction, Payment, WebhookDelivery
from payments.providers import registry
from payments.services.apply_delivery import apply_delivery
from payments.tests.factories import a_customer
from tests import callbacks
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/webhooks/tigo-pesa"
INSIDE, OUTSIDE = "41.222.176.233", "198.51.100.7"


@pytest.fixture(autouse=True)
def allow_list(settings: Any) -> Iterator[None]:
    settings.TIGO_PESA_CALLBACK_SOURCES = [ipaddress.ip_network("41.222.176.0/24")]
    registry.forget_clients()
    yield
    registry.forget_clients()


@pytest.fixture
def attempt(db: None) -> MobileMoneyTransaction:
    first_gateway()
    customer, bundle = a_customer("+255714000001"), a_bundle()
    payment, _ = buy_bundle(
        customer=customer, bundle_id=bundle.pk, phone=customer.phone or "", provider="tigo_pesa"
    )
    MobileMoneyTransaction.objects.update(status="pending", posted_at=payment.created_at)
    Payment.objects.update(state="pending")
    return payment.attempts.get()


def send(attempt: MobileMoneyTransaction, source: str, **headers: str) -> tuple[int, str]:
    """The answer's status, and what became of the delivery."""
    body = callbacks.tigo(f"KNK{attempt.reference}", amount=1000, receipt="MFS1")
    response = Client().post(
        URL, body, content_type="application/json", REMOTE_ADDR=source, headers=headers
    )
    delivery = WebhookDelivery.objects.get()
    assert (delivery.source, bytes(delivery.body)) == (source, body)
    apply_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    return response.status_code, delivery.state


def test_from_outside_it_is_refused_and_kept_as_a_hint(attempt: MobileMoneyTransaction) -> None:
    assert send(attempt, OUTSIDE) == (403, "hint")
    assert WebhookDelivery.objects.get().trust == "quarantined"
    assert Payment.objects.get().state == "pending"
    assert not Subscription.objects.exists()


def test_nobody_talks_themselves_inside(attempt: MobileMoneyTransaction) -> None:
    """X-Forwarded-For counts only behind a trusted proxy."""
    assert send(attempt, OUTSIDE, **{"X-Forwarded-For": INSIDE}) == (403, "hint")
    assert Payment.objects.get().state == "pending"


def test_from_inside_it_is_evidence(attempt: MobileMoneyTransaction) -> None:
    assert send(attempt, INSIDE) == (200, "applied")
    assert Payment.objects.get().disposition == "fulfilled"
    assert Subscription.objects.count() == 1
