"""What follows from what a subscription has used, inside the transaction of who has counted it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum
from django.utils import timezone

from bundles.models import LAST_PACKET_BYTES, TOLD_PERCENTS, Subscription
from bundles.services.renew import look_soon
from common.among import among


def note_use(subscription_ids: Collection[int]) -> None:
    """Note which of these have used up their allowance, and whose customers are to be told.

    Earnings of what is used up are released by `release_earnings`, which locks the payment.
    """
    is_spent = Q(data_used_bytes__gt=F("data_limit_bytes") - LAST_PACKET_BYTES)
    is_used_up = is_spent & Q(used_up_at=None)
    is_news = is_spent & Q(told_percent__lt=100)
    for percent in TOLD_PERCENTS:
        is_reached = Q(data_used_bytes__gte=F("data_limit_bytes") * percent / 100)
        is_news |= Q(told_percent__lt=percent) & is_reached
    touched = Subscription.objects.filter(among(Subscription, "id", subscription_ids))
    found = list(touched.filter(is_used_up | is_news).values_list("pk", flat=True))
    if not found:
        return
    now = timezone.now()
    reached = Subscription.objects.filter(pk__in=found)
    if used_up := list(reached.filter(is_used_up).values_list("pk", flat=True)):
        reached.filter(pk__in=used_up).update(used_up_at=now)
        look_soon(used_up)
    reached.filter(is_news).update(notice_at=now)


def begin_use(subscription: Subscription, *, at: datetime) -> None:
    """The days of a locked subscription count from its first connection, not from before it was paid."""
    standing = subscription.activations.filter(withdrawn_at=None)
    days = standing.aggregate(days=Sum("days"))["days"]
    subscription.starts_at = max(at, subscription.starts_at)
    subscription.ends_at = subscription.starts_at + timedelta(days=days)
    subscription.awaits_first_use = False
    subscription.notice_at = timezone.now()
    subscription.save(update_fields=["starts_at", "ends_at", "awaits_first_use", "notice_at"])
    look_soon([subscription.pk])
