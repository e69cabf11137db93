"""Gives a device new keys: whoever has the old file has nothing any more."""

from __future__ import annotations

from bundles.models import Subscription
from common.transactions import retried
from vpn.errors import ConfigNotFound
from vpn.models import LIVE, Peer
from vpn.services.provision import make_peer
from vpn.services.revoke import revoke


@retried
def rotate_keys(peer: Peer) -> Peer:
    """The device with new keys at its old address. Raises ConfigNotFound."""
    subscription = Subscription.objects.select_for_update().get(pk=peer.subscription_id)
    if not Peer.objects.filter(pk=peer.pk, state__in=LIVE).exists():
        raise ConfigNotFound("This device is revoked.")
    revoke(peer=peer, keep_address=True)
    return make_peer(subscription=subscription, device_name=peer.device_name, address=peer.address)
