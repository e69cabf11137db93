"""Forgets what messages said and to whom: codes and links once they are dead, the rest after a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from common.transactions import retried
from notifications.messages import LAST_WORDS, TEXTS, secrets_in
from notifications.models import DeliveryReport, Message

KEPT = timedelta(days=90)  # as the bodies of callbacks
SECRETS_KEPT = timedelta(days=1)  # a code is dead after minutes, a link after a day
BATCH = 1000
WITH_SECRETS = [message_id for message_id in TEXTS if secrets_in(message_id)]


def forget_old_messages() -> int:
    """Empty messages that are old enough, and delete the reports on them. Returns how many of both.

    That an event was told, when, and what became of it stays.
    """
    now = timezone.now()
    named = Message.objects.filter(to__gt="", next_attempt_at=None)
    dead = named.filter(message_id__in=WITH_SECRETS, created_at__lt=now - SECRETS_KEPT)
    last_words = named.filter(message_id__in=LAST_WORDS, created_at__lt=now - SECRETS_KEPT)
    reports = DeliveryReport.objects.filter(received_at__lt=now - KEPT)
    return (
        _in_batches(named.filter(created_at__lt=now - KEPT), _empty)
        + _in_batches(last_words, _empty)
        + _in_batches(dead.exclude(context={}), _without_secrets)
        + _in_batches(reports, _delete)
    )


def _in_batches(old: QuerySet[Any], forget: Callable[[list[int]], int]) -> int:
    total = 0
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += forget(keys)
    return total


@retried
def _empty(keys: list[int]) -> int:
    return Message.objects.filter(pk__in=keys).update(to="", text="", context={}, error="")


@retried
def _without_secrets(keys: list[int]) -> int:
    messages = list(Message.objects.filter(pk__in=keys))
    for message in messages:
        message.text, message.context = message.told, {}
    return Message.objects.bulk_update(messages, ["text", "context"])


@retried
def _delete(keys: list[int]) -> int:
    return DeliveryReport.objects.filter(pk__in=keys).delete()[0]
