"""Raw webhook bodies are evidence for a while, and then too much about people to be kept."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from common.transactions import retried
from payments.models import WebhookDelivery

KEPT = timedelta(days=90)
BATCH = 1000


def forget_old_bodies() -> int:
    """Empty the bodies and headers of deliveries that are old enough. Returns how many.

    What they meant stays: their redacted content is on the attempt or transfer that they were about.
    """
    old = WebhookDelivery.objects.filter(
        received_at__lt=timezone.now() - KEPT, body_forgotten_at=None
    )
    total = 0
    while keys := list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH]):
        total += _forget(keys)
    return total


@retried
def _forget(keys: list[int]) -> int:
    return WebhookDelivery.objects.filter(pk__in=keys).update(
        body=b"", headers={}, next_try_at=None, body_forgotten_at=timezone.now()
    )
