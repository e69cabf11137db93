"""Tells a customer of a configuration, with a link that reveals it once."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.timezone import localtime

from bundles.models import Subscription
from common.transactions import retried
from notifications.services import queue_message
from vpn.errors import CannotBeTold
from vpn.models import Peer
from vpn.selectors import first_peer
from vpn.services.links import new_link


def tell_new_file(*, message_id: str, peer: Peer, key: str) -> None:
    """Tell by SMS that a device needs another file than it has, inside the caller's transaction."""
    customer = peer.subscription.customer
    if not customer.phone:
        return
    queue_message(
        message_id=message_id,
        to=customer.phone,
        language=customer.language,
        context={"bundle": peer.subscription.bundle.name, "link": new_link(peer=peer)},
        key=key,
    )


def tell_ready(*, subscription: Subscription) -> None:
    """Put the SMS into the outbox, inside the caller's transaction; each end date is told once."""
    customer = subscription.customer
    peer = first_peer(subscription)
    if peer is None or not customer.phone:
        return
    _queue(peer, customer.phone, str(int(subscription.ends_at.timestamp())))


@retried
def tell_again(*, peer: Peer, request_key: str) -> str:
    """Send one device's configuration again, as a new link; the same request key sends it once.

    Gives the phone that it goes to. Raises CannotBeTold.
    """
    customer = peer.subscription.customer
    if not peer.is_usable:
        raise CannotBeTold("This device may not connect: there is nothing to send.")
    if not customer.phone:
        raise CannotBeTold("The customer has no phone number to send it to.")
    _queue(peer, customer.phone, f"again:{request_key}")
    return customer.phone


def _queue(peer: Peer, phone: str, occasion: str) -> None:
    subscription = peer.subscription
    until = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    queue_message(
        message_id="vpn_ready",
        to=phone,
        language=subscription.customer.language,
        context={
            "bundle": subscription.bundle.name,
            "until": f"{until:%d.%m.%Y %H:%M}",
            "link": new_link(peer=peer),
        },
        key=f"vpn_ready:{subscription.pk}:{occasion}",
    )
