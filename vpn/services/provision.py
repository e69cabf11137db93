"""Makes peers for subscriptions. Everything here runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from bundles.models import Subscription
from vpn.errors import DeviceLimitReached, NoGateway, PublicKeyInUse
from vpn.keys import new_key_pair, new_preshared_key
from vpn.models import Address, Gateway, Peer
from vpn.selectors import devices_of
from vpn.services.addresses import take_address
from vpn.services.publish import publish, publish_subscription

FIRST_DEVICE = "phone"
NEEDED_OF_GATEWAY = (
    "id",
    "name",
    "range4",
    "range6",
    "next_number",
    "revision",
    "digest",
    "peers_served",
)


def provision_first(*, subscription: Subscription) -> Peer:
    """The first device of a subscription that begins, which has none yet."""
    return _make(subscription, [], FIRST_DEVICE)


def provision(*, subscription: Subscription) -> Peer:
    """The first device of an extended subscription; safe to repeat, the peer stays the same."""
    devices = devices_of(subscription)
    if live := _live(devices):
        publish_subscription(subscription)
        return live[0]
    return _make(subscription, devices, FIRST_DEVICE)


def make_peer(
    *,
    subscription: Subscription,
    device_name: str,
    public_key: str = "",
    address: Address | None = None,
) -> Peer:
    """A new device; with the phone's own `public_key` we never have the private one.

    The caller holds the subscription's row. Raises DeviceLimitReached, PublicKeyInUse, NoGateway and
    AddressesExhausted.
    """
    return _make(subscription, devices_of(subscription), device_name, public_key, address)


def _make(
    subscription: Subscription,
    devices: Sequence[Peer],
    device_name: str,
    public_key: str = "",
    address: Address | None = None,
) -> Peer:
    if len(_live(devices)) >= subscription.max_connections:
        raise DeviceLimitReached("This subscription has no room for another device.")
    gateway = _locked_gateway(devices)
    if public_key and _is_taken(public_key):
        raise PublicKeyInUse("This key is used by another device.")
    pair = None if public_key else new_key_pair()
    peer = Peer.objects.create(
        subscription=subscription,
        gateway=gateway,
        address=address or take_address(gateway),
        device_name=device_name,
        public_key=pair.public if pair else public_key,
        private_key=pair.private if pair else "",
        preshared_key=new_preshared_key(),
    )
    publish(gateway, [peer])
    return peer


def _live(devices: Sequence[Peer]) -> list[Peer]:
    return [device for device in devices if device.state == Peer.State.ACTIVE]


def _locked_gateway(devices: Sequence[Peer]) -> Gateway:
    """A subscription's devices live on one gateway; a first one goes to a gateway in service."""
    gateways = Gateway.objects.select_for_update().only(*NEEDED_OF_GATEWAY)
    if devices:
        return gateways.get(pk=devices[0].gateway_id)
    gateway = (
        gateways.filter(state=Gateway.State.ACTIVE, public_key__isnull=False).order_by("pk").first()
    )
    if gateway is None:
        raise NoGateway("No gateway is in service at the moment. We have been told.")
    return gateway


def _is_taken(public_key: str) -> bool:
    return (
        Peer.objects.filter(live_public_key=public_key).exists()
        or Gateway.objects.filter(public_key=public_key).exists()
    )
