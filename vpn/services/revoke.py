"""Takes a device's access away."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from bundles.models import Subscription
from common.transactions import retried
from vpn.models import LIVE, Gateway, Peer
from vpn.services.addresses import free_address
from vpn.services.publish import publish


def revoke(*, peer: Peer, keep_address: bool = False, states: Collection[str] = LIVE) -> None:
    """Revoke one peer inside the caller's transaction; its private key is forgotten.

    `keep_address` when the same device gets it again at once. Nothing happens to a peer that is in
    none of the states any more.
    """
    gateway = Gateway.objects.select_for_update().get(pk=peer.gateway_id)
    is_ours = Peer.objects.filter(pk=peer.pk, state__in=states).update(
        state=Peer.State.REVOKED, revoked_at=timezone.now(), private_key="", preshared_key=""
    )
    if not is_ours:
        return
    publish(gateway, Peer.objects.filter(pk=peer.pk).select_related("subscription", "address"))
    if not keep_address:
        free_address(peer.address_id)


@retried
def revoke_now(*, peer: Peer, states: Collection[str] = LIVE) -> None:
    """Revoke one peer in a transaction of its own; safe to repeat."""
    revoke(peer=peer, states=states)


def give_up_kept(*, subscription: Subscription, public_key: str) -> None:
    """Revoke the customer's own kept device that has this key: the phone brings it for another one.

    Inside the caller's transaction, before it has a gateway in hand.
    """
    kept = Peer.objects.filter(
        live_public_key=public_key,
        state=Peer.State.SUSPENDED,
        subscription__customer=subscription.customer_id,
    )
    for peer in kept:
        revoke(peer=peer, states=[Peer.State.SUSPENDED])  # it may have been renewed since we looked


def revoke_all(*, subscription: Subscription) -> None:
    """Revoke every device of a subscription that is taken away."""
    for peer in Peer.objects.filter(subscription=subscription, state__in=LIVE):
        revoke(peer=peer)
