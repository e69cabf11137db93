"""What must hold of what is delivered: no way in for who has not paid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, Sum, Window
from django.db.models.functions import Coalesce, Lag

from bundles.models import Activation, Gift, Subscription
from common.invariants import Invariant, Offender, offenders
from vpn.models import LIVE, Gateway, Peer, Usage
from vpn.services.publish import MODULUS


def _connected_unpaid() -> Iterator[Offender]:
    standing = Activation.objects.filter(subscription=OuterRef("subscription"), withdrawn_at=None)
    given = Gift.objects.filter(received=OuterRef("subscription"))
    rows = Peer.objects.filter(state=Peer.State.ACTIVE).exclude(
        Exists(standing) | Exists(given), subscription__state=Subscription.State.ACTIVE
    )
    return offenders(
        rows.order_by("pk").values("pk", "subscription_id", "subscription__state"),
        subject="peer:{pk}",
        trouble="active, but subscription {subscription_id} is {subscription__state} "
        "or nothing of it is paid",
    )


def _address_shared() -> Iterator[Offender]:
    """An address that rests or is free will be somebody else's: no peer may still use it."""
    live = Peer.objects.filter(state__in=LIVE)
    shared = (
        live.values("address_id")
        .annotate(peers=Count("pk"))
        .filter(peers__gt=1)
        .order_by("address_id")
    )
    return chain(
        offenders(shared, subject="address:{address_id}", trouble="used by {peers} peers"),
        offenders(
            live.filter(Q(address__free_at__isnull=False))
            .order_by("pk")
            .values("pk", "address_id", "address__free_at"),
            subject="address:{address_id}",
            trouble="used by peer {pk}, but free at {address__free_at}",
        ),
    )


def _used_otherwise() -> Iterator[Offender]:
    rows = (
        Subscription.objects.values("pk", "data_used_bytes")
        .annotate(
            counted=Coalesce(
                Sum(
                    F("usage__up_to")
                    - F("usage__up_from")
                    + F("usage__down_to")
                    - F("usage__down_from")
                ),
                0,
                output_field=BigIntegerField(),
            )
        )
        .exclude(data_used_bytes=F("counted"))
        .order_by("pk")
    )
    return offenders(
        rows,
        subject="subscription:{pk}",
        trouble="{data_used_bytes} bytes are used, and {counted} were counted",
    )


def _counted_twice() -> Iterator[Offender]:
    """Each day of a counter begins where the one before has ended, the first at zero."""
    of_counter = [F("peer"), F("subscription"), F("epoch")]

    def before(column: str) -> Coalesce:
        """Zero on the first day; MariaDB's LAG takes no default."""
        window = Window(Lag(column), partition_by=of_counter, order_by=F("day").asc())
        return Coalesce(window, 0)

    rows = (
        Usage.objects.annotate(up_before=before("up_to"), down_before=before("down_to"))
        .exclude(up_from=F("up_before"), down_from=F("down_before"))
        .order_by("pk")
    )
    return offenders(
        rows.values("peer_id", "day", "epoch", "up_from", "up_before", "down_from", "down_before"),
        subject="peer:{peer_id}",
        trouble="{day} of epoch {epoch} begins at {up_from} and {down_from} bytes, "
        "the day before ends at {up_before} and {down_before}",
    )


def _used_by_others() -> Iterator[Offender]:
    rows = Usage.objects.exclude(
        subscription__customer=F("peer__subscription__customer"),
        subscription__bundle=F("peer__subscription__bundle"),
    )
    return offenders(
        rows.order_by("pk").values("peer_id", "subscription_id", "day"),
        subject="peer:{peer_id}",
        trouble="its bytes of {day} are billed to subscription {subscription_id} of somebody else",
    )


def _told_otherwise() -> Iterator[Offender]:
    """An agent that is told a digest which no peers have throws each state away."""
    digests: dict[int, list[int]] = {}
    rows = Gateway.objects.values_list("pk", "digest", "peers_served", "peers__digest")
    stated: dict[int, tuple[str, int]] = {}
    for key, digest, count, of_peer in rows.order_by().iterator():
        stated[key] = (digest, count)
        digests.setdefault(key, []).extend([int(of_peer, 16)] if of_peer else [])
    for key, served in digests.items():
        if stated[key] != (f"{sum(served) % MODULUS:064x}", len(served)):
            yield Offender(
                f"gateway:{key}",
                f"its digest and {stated[key][1]} peers are not those of its {len(served)} peers",
            )


def _address_elsewhere() -> Iterator[Offender]:
    rows = Peer.objects.exclude(gateway=F("address__gateway")).order_by("pk")
    return offenders(
        rows.values("pk", "gateway_id", "address_id", "address__gateway_id"),
        subject="peer:{pk}",
        trouble="at gateway {gateway_id}, but address {address_id} is of {address__gateway_id}",
    )


def _scattered() -> Iterator[Offender]:
    """One allowance is counted on one gateway; on two it would be used twice."""
    rows = (
        Peer.objects.filter(state__in=LIVE)
        .values("subscription_id")
        .annotate(gateways=Count("gateway", distinct=True))
        .filter(gateways__gt=1)
        .order_by("subscription_id")
    )
    return offenders(
        rows,
        subject="subscription:{subscription_id}",
        trouble="its devices live on {gateways} gateways",
    )


INVARIANTS = (
    Invariant("M-17", "No active peer without a paid subscription", _connected_unpaid),
    Invariant("M-18", "Each address is used by one peer", _address_shared),
    Invariant("M-23", "A subscription has used what was counted for it", _used_otherwise),
    Invariant("M-24", "No byte is counted twice", _counted_twice),
    Invariant("M-25", "Bytes are billed to whose peer has used them", _used_by_others),
    Invariant("G-01", "A gateway's digest and count are those of its peers", _told_otherwise),
    Invariant("G-02", "A peer's address is its gateway's", _address_elsewhere),
    Invariant("G-03", "A subscription's devices live on one gateway", _scattered),
)
