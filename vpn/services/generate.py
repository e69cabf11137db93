"""Gives a customer the configuration of a device, making the device if need be."""

from __future__ import annotations

from django.db import IntegrityError

from accounts.models import User
from bundles.models import Subscription
from bundles.services.activate import activate_if_paid
from common.transactions import retried
from vpn.errors import InvalidPublicKey, NoActiveSubscription
from vpn.keys import is_public_key
from vpn.models import Peer
from vpn.selectors import first_peer
from vpn.services.provision import FIRST_DEVICE, make_peer
from vpn.services.revoke import revoke


def generate_config(
    *, customer: User, bundle_id: int, device_name: str = "", public_key: str = ""
) -> Peer:
    """The peer of a bundle's device; asking again gives the same one.

    Without a name it is the first device. A device that brings another public key than before gets a
    new peer at its old address. A payment that is complete and not yet fulfilled is fulfilled first.
    Raises NoActiveSubscription, InvalidPublicKey, DeviceLimitReached, PublicKeyInUse and NoGateway.
    """
    if public_key and not is_public_key(public_key):
        raise InvalidPublicKey("This is no WireGuard public key.")
    subscription = activate_if_paid(customer=customer, bundle_id=bundle_id)
    if subscription is None:
        raise NoActiveSubscription("You have no active subscription to this bundle.")
    try:
        return _device(subscription.pk, device_name, public_key)
    except IntegrityError:  # another phone has brought the key since we looked: now it is seen
        return _device(subscription.pk, device_name, public_key)


@retried
def _device(subscription_id: int, device_name: str, public_key: str) -> Peer:
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    peer = _existing(subscription, device_name)
    if peer is not None and public_key not in ("", peer.public_key):
        revoke(peer=peer, keep_address=True)
        return make_peer(
            subscription=subscription,
            device_name=peer.device_name,
            public_key=public_key,
            address=peer.address,
        )
    if peer is not None:
        return peer
    return make_peer(
        subscription=subscription,
        device_name=device_name or FIRST_DEVICE,
        public_key=public_key,
    )


def _existing(subscription: Subscription, device_name: str) -> Peer | None:
    if not device_name:
        return first_peer(subscription)
    return (
        Peer.objects.filter(subscription=subscription, live_device=device_name)
        .select_related("subscription__bundle", "gateway", "address")
        .first()
    )
