"""Moves customers to another gateway: their keys stay, their addresses do not."""

from __future__ import annotations

from dataclasses import dataclass

from bundles.models import Subscription
from common.transactions import retried
from vpn.errors import NoGateway
from vpn.models import LIVE, Gateway, Peer
from vpn.services.addresses import take_address
from vpn.services.publish import publish
from vpn.services.revoke import revoke


@dataclass(frozen=True, slots=True)
class Moved:
    """How many subscriptions were moved, and how many found no place."""

    moved: int
    left: int


def move_gateway(source: Gateway, target: Gateway | None = None) -> Moved:
    """Move every customer, each in a transaction of its own."""
    subscriptions = Subscription.objects.filter(
        peers__gateway=source, peers__state__in=LIVE
    ).distinct()
    moved = left = 0
    for subscription in subscriptions:
        try:
            move_subscription(subscription, target)
        except NoGateway:
            left += 1
        else:
            moved += 1
    return Moved(moved, left)


@retried
def move_subscription(subscription: Subscription, target: Gateway | None = None) -> Gateway:
    """Move one customer's devices. Raises NoGateway."""
    Subscription.objects.select_for_update().get(pk=subscription.pk)
    peers = list(
        Peer.objects.filter(subscription=subscription, state__in=LIVE).select_related(
            "subscription", "address", "gateway"
        )
    )
    others = Gateway.objects.select_for_update().filter(
        state=Gateway.State.ACTIVE, public_key__isnull=False
    )
    others = others.exclude(pk__in=[peer.gateway_id for peer in peers])
    gateway = (others if target is None else others.filter(pk=target.pk)).first()
    if gateway is None:
        raise NoGateway("No other gateway can take this customer.")
    for peer in peers:
        _move(peer, gateway)
    return gateway


def _move(peer: Peer, gateway: Gateway) -> None:
    revoke(peer=peer)
    again = Peer.objects.create(
        subscription=peer.subscription,
        gateway=gateway,
        address=take_address(gateway),
        device_name=peer.device_name,
        public_key=peer.public_key,
        private_key=peer.private_key,
        preshared_key=peer.preshared_key,
        state=peer.state,
    )
    publish(gateway, [again])
