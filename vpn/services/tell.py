"""Tells a customer that the VPN is ready, with a link that reveals the configuration once."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.timezone import localtime

from bundles.models import Subscription
from notifications.services import queue_message
from vpn.selectors import first_peer
from vpn.services.links import new_link


def tell_ready(*, subscription: Subscription) -> None:
    """Put the SMS into the outbox, inside the caller's transaction; each end date is told once."""
    customer = subscription.customer
    peer = first_peer(subscription)
    if peer is None or not customer.phone:
        return
    until = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    queue_message(
        message_id="vpn_ready",
        to=customer.phone,
        language=customer.language,
        context={
            "bundle": subscription.bundle.name,
            "until": f"{until:%d.%m.%Y %H:%M}",
            "link": new_link(peer=peer),
        },
        key=f"vpn_ready:{subscription.pk}:{int(subscription.ends_at.timestamp())}",
    )
