"""What a gateway is to serve: each change is a revision of its own (docs/agent-protocol.md).

Everything here runs inside the caller's transaction, which holds the gateway's row locked: revisions
become visible in their order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from bundles.models import Subscription
from vpn.models import LIVE, Gateway, Peer
from vpn.services.wake import wake_agent

MODULUS = 2**256


def publish(gateway: Gateway, peers: Iterable[Peer]) -> None:
    """Let the gateway know that these peers of it have changed, or have ended.

    Saves what it changes of both, and a new peer as a whole. A peer comes with its subscription and
    address.
    """
    gateway.revision += 1
    total = int(gateway.digest, 16)
    for peer in peers:
        digest = digest_of(served(peer)) if is_served(peer) else ""
        total += _number(digest) - _number(peer.digest)
        gateway.peers_served += bool(digest) - bool(peer.digest)
        peer.digest, peer.revision = digest, gateway.revision
        if peer._state.adding:
            peer.save(force_insert=True)
        else:
            Peer.objects.filter(pk=peer.pk).update(digest=digest, revision=gateway.revision)
    gateway.digest = f"{total % MODULUS:064x}"
    gateway.save(update_fields=["revision", "digest", "peers_served", "next_number"])
    wake_agent(gateway.pk)


def publish_subscription(subscription: Subscription) -> None:
    """Let its gateway know that a subscription has other bytes or another end."""
    gateway = locked_gateway_of(subscription)
    if gateway is not None:
        publish(gateway, peers_at(gateway, subscription, states=[Peer.State.ACTIVE]))


def locked_gateway_of(subscription: Subscription) -> Gateway | None:
    """Where the devices of a locked subscription live; None for a subscription without."""
    live = Peer.objects.filter(subscription=subscription, state__in=LIVE)
    gateway_id = live.order_by().values_list("gateway_id", flat=True).first()
    if gateway_id is None:
        return None
    return Gateway.objects.select_for_update().get(pk=gateway_id)


def peers_at(
    gateway: Gateway, subscription: Subscription, *, states: Iterable[str] = LIVE
) -> list[Peer]:
    """The devices of a subscription at its locked gateway, the oldest first."""
    peers = Peer.objects.filter(subscription=subscription, gateway=gateway, state__in=states)
    found = list(peers.select_related("address").order_by("id"))
    for peer in found:
        peer.subscription, peer.gateway = subscription, gateway
    return found


def is_served(peer: Peer) -> bool:
    """Whether packets of this peer are to pass, as far as the server knows."""
    return peer.state == Peer.State.ACTIVE and peer.subscription.state == Subscription.State.ACTIVE


def served(peer: Peer) -> dict[str, Any]:
    """A peer as its gateway is told of it."""
    subscription = peer.subscription
    return {
        "id": peer.pk,
        "group": subscription.pk,
        "public_key": peer.public_key,
        "preshared_key": peer.preshared_key or None,
        "addresses": peer.tunnel_addresses,
        "ends_at": int(subscription.ends_at.timestamp()),
        "limit_bytes": subscription.data_limit_bytes,
        "kbps": subscription.speed_kbps,
    }


def digest_of(peer: dict[str, Any]) -> str:
    """64 hexadecimal digits. Without the id, so that a new peer needs one statement and not two."""
    fields = {name: value for name, value in peer.items() if name != "id"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _number(digest: str) -> int:
    return int(digest or "0", 16)
