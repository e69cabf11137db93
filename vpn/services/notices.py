"""Tells customers what they should know of their subscriptions, each thing once.

`Subscription.notice_at` says when to look: ten minutes after the payment, when much is used, a day
before the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.timezone import localtime

from bundles.models import GIGABYTE, Subscription
from bundles.services.activate import FIRST_LOOK_AFTER
from common.transactions import retried
from notifications.services import queue_message
from vpn.models import Peer

BATCH = 200
BEFORE_THE_END = timedelta(days=1)
LOOK_AGAIN_AFTER = timedelta(minutes=10)  # where a gateway is silent, nobody can have connected


def send_notices() -> int:
    """Look at the subscriptions whose time has come, each in its own transaction. Returns how many."""
    due = Subscription.objects.filter(notice_at__lte=timezone.now()).order_by("notice_at")
    return sum(_look(key) for key in list(due.values_list("pk", flat=True)[:BATCH]))


@retried
def _look(subscription_id: int) -> bool:
    now = timezone.now()
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    if subscription.notice_at is None or subscription.notice_at > now:
        return False
    subscription.notice_at = None
    if subscription.is_active_at(now):
        _tell_use(subscription)
        _tell_end(subscription, now)
        is_known = _tell_never_connected(subscription, now)
        subscription.notice_at = _next_look(subscription, now, is_known=is_known)
    subscription.save(update_fields=["notice_at", "told_percent"])
    return True


def _tell_use(subscription: Subscription) -> None:
    """The highest threshold that is reached; those below it are no news any more.

    What is bought again by itself tells of that, or of why it is not, in words of its own.
    """
    percent = subscription.reached_percent
    if percent <= subscription.told_percent:
        return
    subscription.told_percent = percent
    if percent == 100 and subscription.is_renewed:
        return
    left = max(subscription.data_limit_bytes - subscription.data_used_bytes, 0)
    _queue(
        subscription,
        "data_used_up" if percent == 100 else "data_used",
        key=f"{subscription.data_limit_bytes}:{percent}",
        percent=percent,
        left=f"{left / GIGABYTE:.1f} GB",
    )


def _tell_end(subscription: Subscription, now: datetime) -> None:
    """Of a subscription that lasts a day there is no day before the end."""
    at = _day_before_end(subscription)
    if at <= subscription.starts_at or now < at:
        return
    until = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    _queue(
        subscription,
        "ends_soon",
        key=str(int(subscription.ends_at.timestamp())),
        until=f"{until:%d.%m.%Y %H:%M}",
    )


def _tell_never_connected(subscription: Subscription, now: datetime) -> bool:
    """Tell who has paid and has not connected. False while nobody can know."""
    if now < subscription.created_at + FIRST_LOOK_AFTER:
        return True
    devices = list(Peer.objects.filter(subscription=subscription).select_related("gateway"))
    if any(device.handshake_at for device in devices):
        return True
    live = [device for device in devices if device.state == Peer.State.ACTIVE]
    if live and not live[0].gateway.is_heard_at(now):
        return False
    if live:
        _queue(subscription, "never_connected", key="once")
    return True


def _next_look(subscription: Subscription, now: datetime, *, is_known: bool) -> datetime | None:
    times = [subscription.created_at + FIRST_LOOK_AFTER, _day_before_end(subscription)]
    if not is_known:
        times.append(now + LOOK_AGAIN_AFTER)
    return min((moment for moment in times if moment > now), default=None)


def _day_before_end(subscription: Subscription) -> datetime:
    return subscription.ends_at - BEFORE_THE_END


def _queue(subscription: Subscription, message_id: str, *, key: str, **words: Any) -> None:
    customer = subscription.customer
    if customer.phone:
        queue_message(
            message_id=message_id,
            to=customer.phone,
            language=customer.language,
            context={"bundle": subscription.bundle.name, **words},
            key=f"{message_id}:{subscription.pk}:{key}",
        )
