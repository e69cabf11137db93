"""Keeps the devices of a subscription whose time is over, for a customer who buys it again.

A kept device has its keys and its address and is not served: after a renewal the same file works.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from bundles.models import Subscription
from vpn.models import Gateway, Peer
from vpn.services.publish import locked_gateway_of, peers_at, publish
from vpn.services.revoke import revoke_now

KEPT_FOR = timedelta(days=7)
BATCH = 200


def suspend_all(*, subscription: Subscription) -> None:
    """Serve no device of a subscription that has ended, and keep each."""
    gateway = locked_gateway_of(subscription)
    if gateway is None:
        return
    peers = peers_at(gateway, subscription, states=[Peer.State.ACTIVE])
    _change(peers, state=Peer.State.SUSPENDED, suspended_at=timezone.now())
    publish(gateway, peers)


def take_over(*, subscription: Subscription, gateway: Gateway) -> list[Peer]:
    """The devices of the customer's last subscription to the bundle that the locked gateway keeps.

    They are the new subscription's from now on, as many as it may have; the first is the oldest.
    """
    kept = Peer.objects.filter(
        state=Peer.State.SUSPENDED,
        gateway=gateway,
        subscription__customer=subscription.customer_id,
        subscription__bundle=subscription.bundle_id,
    )
    found = list(kept.select_related("address").order_by("-subscription_id", "id"))
    last = [peer for peer in found if peer.subscription_id == found[0].subscription_id]
    peers = last[: subscription.max_connections]
    _change(peers, state=Peer.State.ACTIVE, suspended_at=None, subscription=subscription)
    for peer in peers:
        peer.gateway = gateway
    if peers:
        publish(gateway, peers)
    return peers


def revoke_long_kept() -> int:
    """Revoke what nobody has renewed in time, each in its own transaction. Returns how many."""
    overdue = Peer.objects.filter(
        state=Peer.State.SUSPENDED, suspended_at__lte=timezone.now() - KEPT_FOR
    )
    peers = list(overdue.order_by("suspended_at")[:BATCH])
    for peer in peers:
        revoke_now(peer=peer, states=[Peer.State.SUSPENDED])
    return len(peers)


def _change(peers: list[Peer], **values: object) -> None:
    Peer.objects.filter(pk__in=[peer.pk for peer in peers]).update(**values)
    for peer in peers:
        for name, value in values.items():
            setattr(peer, name, value)
