"""Reads of gateways and peers."""

from __future__ import annotations

import ipaddress

from django.db.models import Q, QuerySet, Sum

from bundles.models import Subscription
from vpn.errors import ConfigNotFound
from vpn.models import Gateway, Peer


def live_peers_of(user_id: int) -> QuerySet[Peer]:
    """A person's devices that are not revoked, newest first."""
    return (
        Peer.objects.filter(subscription__customer_id=user_id, state=Peer.State.ACTIVE)
        .select_related("subscription__bundle", "gateway", "address")
        .order_by("-id")
    )


def own_peer(*, user_id: int, peer_id: int) -> Peer:
    """One device of a person. Raises ConfigNotFound, also for somebody else's."""
    peer = live_peers_of(user_id).filter(pk=peer_id).first()
    if peer is None:
        raise ConfigNotFound("There is no such configuration.")
    return peer


def devices_of(subscription: Subscription) -> list[Peer]:
    """All that the subscription ever had, revoked ones too, the oldest first."""
    return list(Peer.objects.filter(subscription=subscription).order_by("id"))


def first_peer(subscription: Subscription) -> Peer | None:
    """The subscription's first device that is not revoked, with all that its configuration names."""
    return (
        Peer.objects.filter(subscription=subscription, state=Peer.State.ACTIVE)
        .select_related("subscription__bundle", "gateway", "address")
        .order_by("id")
        .first()
    )


def peers_of_gateway(gateway: Gateway) -> QuerySet[Peer]:
    """What a gateway should serve now."""
    return (
        Peer.objects.filter(
            gateway=gateway,
            state=Peer.State.ACTIVE,
            subscription__state=Subscription.State.ACTIVE,
        )
        .select_related("gateway", "address")
        .order_by("id")
    )


def bytes_used(user_id: int | None = None) -> int:
    """Bytes recorded over all subscriptions, of one person or of everybody."""
    subscriptions = Subscription.objects.all()
    if user_id is not None:
        subscriptions = subscriptions.filter(customer_id=user_id)
    total: int | None = subscriptions.aggregate(total=Sum("data_used_bytes"))["total"]
    return total or 0


def peers_at(text: str) -> Q:
    """The peers that have or had a tunnel address, written with or without its prefix length."""
    found = Q(pk__in=())
    try:
        address = ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        return found
    for gateway in Gateway.objects.only("range4", "range6"):
        number = gateway.number_of(address)
        if number is not None:
            found |= Q(gateway=gateway.pk, address__number=number)
    return found
