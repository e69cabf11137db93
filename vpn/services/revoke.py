"""Takes a device's access away."""

from __future__ import annotations

from django.utils import timezone

from bundles.models import Subscription
from common.transactions import retried
from vpn.models import LIVE, Gateway, Peer
from vpn.services.addresses import free_address
from vpn.services.publish import publish


def revoke(*, peer: Peer, keep_address: bool = False) -> None:
    """Revoke one peer inside the caller's transaction; its private key is forgotten.

    `keep_address` when the same device gets it again at once.
    """
    gateway = Gateway.objects.select_for_update().get(pk=peer.gateway_id)
    is_ours = Peer.objects.filter(pk=peer.pk, state__in=LIVE).update(
        state=Peer.State.REVOKED, revoked_at=timezone.now(), private_key="", preshared_key=""
    )
    if not is_ours:
        return
    publish(gateway, Peer.objects.filter(pk=peer.pk).select_related("subscription", "address"))
    if not keep_address:
        free_address(peer.address_id)


@retried
def revoke_now(*, peer: Peer) -> None:
    """Revoke one peer in a transaction of its own; safe to repeat."""
    revoke(peer=peer)


def revoke_all(*, subscription: Subscription) -> None:
    """Revoke every device of a subscription that has ended."""
    for peer in Peer.objects.filter(subscription=subscription, state=Peer.State.ACTIVE):
        revoke(peer=peer)
