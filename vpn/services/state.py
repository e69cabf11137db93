"""What a gateway's agent is told to serve (docs/agent-protocol.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from vpn.models import Gateway, Peer, Usage
from vpn.services.publish import served
from vpn.wireguard_config import MTU

TRIES = 3
BATCH = 2_000  # subscriptions whose bytes are summed up in one query


def news_for(
    gateway_id: int, *, epoch: str, revision: int | None, digest: str
) -> dict[str, Any] | None:
    """What is new since the agent's revision: a change, or a snapshot where it is not our past.

    None when there is nothing new, or when staff have to allow what is. `revision` is None for an
    agent that serves nothing yet; `epoch` is the one of its counters.
    """
    for _ in range(TRIES):
        gateway = Gateway.objects.get(pk=gateway_id)
        if _is_known(gateway, revision, digest):
            return None
        news = _news(gateway, epoch, revision)
        if Gateway.objects.filter(pk=gateway_id, revision=gateway.revision).exists():
            return news  # nothing has changed while the rows were read
    with transaction.atomic():
        gateway = Gateway.objects.select_for_update().get(pk=gateway_id)
        return _news(gateway, epoch, revision)


def may_shrink(gateway: Gateway) -> bool:
    """Whether staff have just allowed that many peers are removed at once."""
    until = gateway.may_shrink_until
    return until is not None and timezone.now() < until


def _is_known(gateway: Gateway, revision: int | None, digest: str) -> bool:
    is_refused = gateway.refused_revision == gateway.revision and not may_shrink(gateway)
    return is_refused or (revision == gateway.revision and digest == gateway.digest)


def _news(gateway: Gateway, epoch: str, revision: int | None) -> dict[str, Any]:
    base = revision if revision is not None and revision < gateway.revision else None
    changed = Peer.objects.filter(gateway=gateway, revision__gt=base or 0)
    gone = changed.filter(digest="").values_list("pk", flat=True)
    upsert = list(_told(gateway, changed.exclude(digest="")))
    return {
        "revision": gateway.revision,
        "base": base,
        "digest": gateway.digest,
        "count": gateway.peers_served,
        "gateway": _itself(gateway),
        "upsert": upsert,
        "remove": [] if base is None else list(gone),
        "used_before": _used_before({peer["group"] for peer in upsert}, epoch),
    }


def _told(gateway: Gateway, peers: QuerySet[Peer]) -> Iterator[dict[str, Any]]:
    # Decrypting costs more than all else: the customers' own keys stay as they are.
    for peer in peers.select_related("subscription", "address").defer("private_key").order_by("pk"):
        peer.gateway = gateway
        yield served(peer)


def _itself(gateway: Gateway) -> dict[str, Any]:
    return {
        "id": gateway.pk,
        "name": gateway.name,
        "addresses": gateway.own_addresses,
        "listen_port": gateway.endpoint_port,
        "mtu": MTU,
        "may_shrink": may_shrink(gateway),
    }


def _used_before(groups: set[int], epoch: str) -> dict[str, int]:
    """Bytes that the groups used outside an epoch: on another gateway, or before a reboot."""
    used: dict[str, int] = {}
    keys = sorted(groups)
    for start in range(0, len(keys), BATCH):
        rows = Usage.objects.filter(subscription_id__in=keys[start : start + BATCH]).exclude(
            epoch=epoch
        )
        sums = rows.values("subscription_id").annotate(
            bytes=Sum(F("up_to") - F("up_from") + F("down_to") - F("down_from"))
        )
        used |= {str(row["subscription_id"]): row["bytes"] for row in sums if row["bytes"]}
    return used
