"""Reads of gateways and peers."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from bundles.models import Subscription
from common.clock import business_day
from vpn.errors import ConfigNotFound
from vpn.models import LIVE, ONLINE_FOR, Address, Connection, Gateway, Peer, Usage


def live_peers_of(user_id: int) -> QuerySet[Peer]:
    """A person's devices that are not revoked, newest first: those that wait for a renewal, too."""
    return (
        Peer.objects.filter(subscription__customer_id=user_id, state__in=LIVE)
        .select_related("subscription__bundle", "gateway", "address")
        .order_by("-id")
    )


def own_peer(*, user_id: int, peer_id: int) -> Peer:
    """One device of a person. Raises ConfigNotFound, also for somebody else's."""
    peer = live_peers_of(user_id).filter(pk=peer_id).first()
    if peer is None:
        raise ConfigNotFound("There is no such configuration.")
    return peer


def live_devices_of(subscription: Subscription) -> list[Peer]:
    """The subscription's devices that are served, the oldest first."""
    devices = Peer.objects.filter(subscription=subscription, state=Peer.State.ACTIVE)
    return list(devices.order_by("id"))


def first_peer(subscription: Subscription) -> Peer | None:
    """The subscription's first device that is not revoked, with all that its configuration names."""
    return (
        Peer.objects.filter(subscription=subscription, state=Peer.State.ACTIVE)
        .select_related("subscription__bundle", "gateway", "address")
        .order_by("id")
        .first()
    )


def is_key_taken(public_key: str) -> bool:
    """Whether a device or a gateway has this public key."""
    return (
        Peer.objects.filter(live_public_key=public_key).exists()
        or Gateway.objects.filter(public_key=public_key).exists()
    )


def addresses_left(gateways: Sequence[Gateway]) -> dict[int, int]:
    """How many tunnel addresses each of the gateways can give out now, by its id."""
    rested = dict(
        Address.objects.filter(gateway__in=gateways, free_at__lte=timezone.now())
        .order_by()
        .values_list("gateway")
        .annotate(Count("pk"))
    )
    return {gateway.pk: gateway.never_used + rested.get(gateway.pk, 0) for gateway in gateways}


def bytes_used(*, customer_id: int | None = None, owner_id: int | None = None) -> int:
    """Bytes recorded over all subscriptions; of one customer, or of an owner's bundles, if given."""
    subscriptions = Subscription.objects.all()
    if customer_id is not None:
        subscriptions = subscriptions.filter(customer_id=customer_id)
    if owner_id is not None:
        subscriptions = subscriptions.filter(bundle__owner_id=owner_id)
    total: int | None = subscriptions.aggregate(total=Sum("data_used_bytes"))["total"]
    return total or 0


def devices_served(*, owner_id: int | None = None) -> int:
    """Devices that may connect; only those of an owner's bundles, if one is given."""
    return _active_peers(owner_id).count()


def devices_online(*, owner_id: int | None = None) -> int:
    """Of these, those that are connected."""
    since = timezone.now() - ONLINE_FOR
    return _active_peers(owner_id).filter(handshake_at__gt=since).count()


def usage_by_day(*, customer_id: int, days: int) -> list[dict[str, Any]]:
    """What a customer has used on each of the last business days: `day`, `bytes`, `up`, `down`."""
    first = business_day(timezone.now()) - timedelta(days=days - 1)
    up, down = F("up_to") - F("up_from"), F("down_to") - F("down_from")
    return list(
        Usage.objects.filter(subscription__customer_id=customer_id, day__gte=first)
        .values("day")
        .annotate(bytes=Sum(up + down), up=Sum(up), down=Sum(down))
        .order_by("day")
    )


def connections_of(customer_id: int) -> QuerySet[Connection]:
    """The sessions of a customer's devices, the latest first."""
    return (
        Connection.objects.filter(peer__subscription__customer_id=customer_id)
        .select_related("peer")
        .order_by("-started_at", "-id")
    )


def _active_peers(owner_id: int | None) -> QuerySet[Peer]:
    peers = Peer.objects.filter(state=Peer.State.ACTIVE)
    return peers if owner_id is None else peers.filter(subscription__bundle__owner_id=owner_id)


def who_had_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, moment: datetime
) -> list[Peer]:
    """The peers that had an address of the tunnel at a time: one on each gateway whose range has it."""
    had_it: list[Peer] = []
    for gateway in Gateway.objects.order_by("pk"):
        number = gateway.number_of(address)
        if number is None:
            continue
        peers = Peer.objects.filter(
            address__gateway=gateway, address__number=number, created_at__lte=moment
        ).filter(Q(revoked_at=None) | Q(revoked_at__gt=moment))
        had_it += peers.select_related("gateway", "subscription__customer").order_by("pk")
    return had_it
