"""What a subscription's customer may use: bought and received, less what was given away."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, Sum

from bundles.models import Gift, Subscription


def settle_allowance(subscription: Subscription) -> None:
    """Set a locked subscription's allowance to what its purchases and gifts come to; does not save.

    Of a purchase that was taken back more may have been given away than the others have: then there
    is nothing.
    """
    bought = _bytes(subscription.activations.filter(withdrawn_at=None))
    given = _bytes(subscription.gifts_given.exclude(state=Gift.State.RETURNED))
    received = _bytes(subscription.gifts_received.all())
    subscription.allow(max(bought + received - given, 0) - subscription.data_limit_bytes)


def _bytes(rows: QuerySet[Any]) -> int:
    total: int | None = rows.order_by().aggregate(total=Sum("data_bytes"))["total"]
    return total or 0
