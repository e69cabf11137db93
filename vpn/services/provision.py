"""Makes peers for subscriptions. Everything here runs inside the caller's transaction."""

from __future__ import annotations

from bundles.models import Subscription
from vpn.errors import DeviceLimitReached, PublicKeyInUse
from vpn.keys import new_key_pair, new_preshared_key
from vpn.models import Address, Gateway, Peer
from vpn.selectors import is_key_taken, live_devices_of
from vpn.services.addresses import take_address
from vpn.services.keep import take_over
from vpn.services.place import NEEDED_OF_GATEWAY, place_again, place_first
from vpn.services.publish import publish, publish_subscription
from vpn.services.revoke import give_up_kept

FIRST_DEVICE = "phone"


def provision_first(*, subscription: Subscription) -> Peer:
    """The first device of a subscription that begins: the one that the customer had, or a new one."""
    gateway, address = place_first(subscription)
    if address is None and (devices := take_over(subscription=subscription, gateway=gateway)):
        return devices[0]
    return _create(subscription, gateway, address or take_address(gateway), FIRST_DEVICE)


def provision(*, subscription: Subscription) -> Peer:
    """The first device of an extended subscription; safe to repeat, the peer stays the same."""
    if devices := live_devices_of(subscription):
        publish_subscription(subscription)
        return devices[0]
    return make_peer(subscription=subscription, device_name=FIRST_DEVICE)


def make_peer(
    *,
    subscription: Subscription,
    device_name: str,
    public_key: str = "",
    address: Address | None = None,
) -> Peer:
    """A new device; with the phone's own `public_key` we never have the private one.

    A subscription's devices live on one gateway. The caller holds the subscription's row. Raises
    DeviceLimitReached, PublicKeyInUse, NoGateway and AddressesExhausted.
    """
    devices = live_devices_of(subscription)
    if len(devices) >= subscription.max_connections:
        raise DeviceLimitReached(
            "This subscription has no room for another device. Remove one first."
        )
    if public_key:
        give_up_kept(subscription=subscription, public_key=public_key)
    if address is None and not devices:
        gateway, address = place_again(subscription)
    else:
        gateway_id = address.gateway_id if address else devices[0].gateway_id
        gateways = Gateway.objects.select_for_update().only(*NEEDED_OF_GATEWAY)
        gateway = gateways.get(pk=gateway_id)
        address = address or take_address(gateway)
    return _create(subscription, gateway, address, device_name, public_key)


def _create(
    subscription: Subscription,
    gateway: Gateway,
    address: Address,
    device_name: str,
    public_key: str = "",
) -> Peer:
    if public_key and is_key_taken(public_key):
        raise PublicKeyInUse("This key is used by another device.")
    pair = None if public_key else new_key_pair()
    peer = Peer(
        subscription=subscription,
        gateway=gateway,
        address=address,
        device_name=device_name,
        public_key=pair.public if pair else public_key,
        private_key=pair.private if pair else "",
        preshared_key=new_preshared_key(),
    )
    publish(gateway, [peer])
    return peer
