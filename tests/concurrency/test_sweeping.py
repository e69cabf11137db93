"""Sweeps that overlap do each thing once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bundles.models import Seat, Subscription
from bundles.services.end import end_overdue_subscriptions
from bundles.tests.factories import a_bundle
from notifications.models import Message
from notifications.services import queue_message, send_queued, sweep_outbox
from payments.models import MobileMoneyTransaction, Payment, PaymentEvent, WebhookDelivery
from payments.services.query import check_attempt
from payments.services.sweep import sweep_attempts, sweep_deliveries, sweep_follow_ups
from payments.tests.factories import a_customer, a_payment
from tests.at_once import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

ROWS = 12
BEATS = 5


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Which messages the sweeps send; no worker gets them."""
    sent: list[tuple[str, Any]] = []
    for module in ("payments.services.sweep", "notifications.services.send"):
        monkeypatch.setattr(
            f"{module}.hurry", lambda task, key: sent.append((task.name.rpartition(".")[2], key))
        )
    return sent


def sweep_five_times(sweep: Callable[[], Any]) -> None:
    assert at_once([sweep] * BEATS).errors == []


def test_each_prompt_is_queued_once(hurried: list[tuple[str, Any]]) -> None:
    attempts = [a_payment() for _ in range(ROWS)]
    MobileMoneyTransaction.objects.update(next_check_at=timezone.now() - timedelta(seconds=1))
    hurried.clear()
    sweep_five_times(sweep_attempts)
    assert sorted(hurried) == [("push", attempt.pk) for attempt in attempts]


def test_each_delivery_is_queued_once(hurried: list[tuple[str, Any]]) -> None:
    now = timezone.now()
    deliveries = [
        WebhookDelivery.objects.create(
            dialect="tigo_pesa", trust="open", body=b"{}", body_bytes=2, next_try_at=now
        )
        for _ in range(ROWS)
    ]
    sweep_five_times(sweep_deliveries)
    assert sorted(hurried) == [("apply_deliveries", [delivery.pk]) for delivery in deliveries]


def test_each_completed_payment_is_followed_up_once(hurried: list[tuple[str, Any]]) -> None:
    payments = [a_payment().payment_id for _ in range(ROWS)]
    hurried.clear()
    Payment.objects.update(follow_up_at=timezone.now())
    sweep_five_times(sweep_follow_ups)
    assert sorted(hurried) == [("follow_up", key) for key in payments]


def test_an_overdue_attempt_expires_once() -> None:
    attempt = a_payment()
    MobileMoneyTransaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweep_five_times(lambda: check_attempt(attempt_id=attempt.pk))
    assert PaymentEvent.objects.filter(to_state="expired").count() == 1


def test_each_message_is_queued_once_and_sent_once(hurried: list[tuple[str, Any]]) -> None:
    for number in range(ROWS):
        queue_message(
            message_id="payment_failed",
            to="+255754000001",
            language="en",
            context={"reason": "cancelled"},
            key=f"key{number}",
        )
    Message.objects.update(next_attempt_at=timezone.now())
    sweep_five_times(sweep_outbox)
    keys = list(Message.objects.order_by("pk").values_list("key", flat=True))
    assert sorted(hurried) == sorted(("send_message", key) for key in keys)

    sends = [partial(send_queued, key=key) for key in keys for _ in range(BEATS)]
    assert at_once(sends).errors == []
    assert set(Message.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_each_subscription_ends_once() -> None:
    bundle, long_ago = a_bundle(), timezone.now() - timedelta(days=2)
    for number in range(1, ROWS + 1):
        customer = a_customer()
        Subscription.objects.create(
            customer=customer,
            bundle=bundle,
            starts_at=long_ago,
            ends_at=long_ago + timedelta(days=1),
            data_limit_bytes=1,
            max_connections=1,
        )
        Seat.objects.create(bundle=bundle, customer=customer, number=number)
    ended = at_once([end_overdue_subscriptions] * BEATS)
    assert ended.errors == []
    assert sum(ended.results) == ROWS
    assert not Seat.objects.exists()
    assert not Subscription.objects.filter(state="active").exists()
