"""What must hold of what is delivered: no way in for who has not paid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import Count, Exists, OuterRef, Q

from bundles.models import Activation, Subscription
from common.invariants import Invariant, Offender, offenders
from vpn.models import Peer


def _connected_unpaid() -> Iterator[Offender]:
    standing = Activation.objects.filter(subscription=OuterRef("subscription"), withdrawn_at=None)
    rows = Peer.objects.filter(state=Peer.State.ACTIVE).exclude(
        Exists(standing), subscription__state=Subscription.State.ACTIVE
    )
    return offenders(
        rows.order_by("pk").values("pk", "subscription_id", "subscription__state"),
        subject="peer:{pk}",
        trouble="active, but subscription {subscription_id} is {subscription__state} "
        "or nothing of it is paid",
    )


def _address_shared() -> Iterator[Offender]:
    """An address that rests or is free will be somebody else's: no peer may still use it."""
    active = Peer.objects.filter(state=Peer.State.ACTIVE)
    shared = (
        active.values("address_id")
        .annotate(peers=Count("pk"))
        .filter(peers__gt=1)
        .order_by("address_id")
    )
    return chain(
        offenders(shared, subject="address:{address_id}", trouble="used by {peers} peers"),
        offenders(
            active.filter(Q(address__free_at__isnull=False))
            .order_by("pk")
            .values("pk", "address_id", "address__free_at"),
            subject="address:{address_id}",
            trouble="used by peer {pk}, but free at {address__free_at}",
        ),
    )


INVARIANTS = (
    Invariant("M-17", "No active peer without a paid subscription", _connected_unpaid),
    Invariant("M-18", "Each address is used by one peer", _address_shared),
)
