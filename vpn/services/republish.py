"""Repairs what a gateway is to serve where rows were changed past the services.

Also what stood before gateways had revisions: it is published for the first time.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from common.transactions import retried
from vpn.models import LIVE, Gateway, Peer
from vpn.services.publish import MODULUS, digest_of, is_served, publish, served

BATCH = 500


def republish_changed() -> int:
    """Publish each peer whose digest is not that of what should be served. Returns how many."""
    return sum(_republish(key) for key in Gateway.objects.values_list("pk", flat=True))


def _republish(gateway_id: int) -> int:
    changed = [peer.pk for peer in _peers(gateway_id).iterator(BATCH) if _is_changed(peer)]
    done = sum(
        _publish(gateway_id, changed[start : start + BATCH])
        for start in range(0, len(changed), BATCH)
    )
    _agree(gateway_id)
    return done


def _peers(gateway_id: int, keys: Sequence[int] | None = None) -> QuerySet[Peer]:
    peers = Peer.objects.filter(gateway=gateway_id).filter(Q(state__in=LIVE) | ~Q(digest=""))
    if keys is not None:
        peers = peers.filter(pk__in=keys)
    return peers.select_related("subscription", "gateway", "address")


def _is_changed(peer: Peer) -> bool:
    due: str = digest_of(served(peer)) if is_served(peer) else ""
    return bool(peer.digest != due)


@retried
def _publish(gateway_id: int, keys: Sequence[int]) -> int:
    """Look again under the gateway's lock: most likely a service was just at it."""
    gateway = Gateway.objects.select_for_update().get(pk=gateway_id)
    changed = [peer for peer in _peers(gateway_id, keys) if _is_changed(peer)]
    if changed:
        publish(gateway, changed)
    return len(changed)


@retried
def _agree(gateway_id: int) -> None:
    """Let a gateway's digest and count be those of its peers."""
    gateway = Gateway.objects.select_for_update().get(pk=gateway_id)
    published = Peer.objects.filter(gateway=gateway).exclude(digest="")
    digests = list(published.values_list("digest", flat=True))
    digest = f"{sum(int(each, 16) for each in digests) % MODULUS:064x}"
    if (gateway.digest, gateway.peers_served) != (digest, len(digests)):
        gateway.digest, gateway.peers_served = digest, len(digests)
        publish(gateway, [])
