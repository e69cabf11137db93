"""Makes peers for subscriptions. Everything here runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.timezone import localtime

from bundles.models import Subscription
from notifications.services import queue_message
from vpn.errors import DeviceLimitReached, NoGateway, PublicKeyInUse
from vpn.keys import new_key_pair, new_preshared_key
from vpn.models import Address, Gateway, Peer
from vpn.selectors import devices_of
from vpn.services.addresses import take_address
from vpn.services.links import new_link

FIRST_DEVICE = "phone"
NEEDED_OF_GATEWAY = ("id", "name", "range4", "range6", "next_number")


def provision_first(*, subscription: Subscription) -> Peer:
    """The first device of a subscription that begins, which has none yet, and the SMS."""
    peer = _make(subscription, [], FIRST_DEVICE)
    _tell(subscription, peer)
    return peer


def provision(*, subscription: Subscription) -> Peer:
    """The first device of an extended subscription, and the SMS that it is ready for longer.

    Safe to repeat: the peer stays the same, and each end date is told once.
    """
    devices = devices_of(subscription)
    peer = next(iter(_live(devices)), None) or _make(subscription, devices, FIRST_DEVICE)
    _tell(subscription, peer)
    return peer


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
    return Peer.objects.create(
        subscription=subscription,
        gateway=gateway,
        address=address or take_address(gateway),
        device_name=device_name,
        public_key=pair.public if pair else public_key,
        private_key=pair.private if pair else "",
        preshared_key=new_preshared_key(),
    )


def _live(devices: Sequence[Peer]) -> list[Peer]:
    return [device for device in devices if device.state == Peer.State.ACTIVE]


def _locked_gateway(devices: Sequence[Peer]) -> Gateway:
    """A subscription's devices live on one gateway; a first one goes to a gateway in service."""
    gateways = Gateway.objects.select_for_update().only(*NEEDED_OF_GATEWAY)
    if devices:
        return gateways.get(pk=devices[0].gateway_id)
    gateway = gateways.filter(is_active=True).order_by("pk").first()
    if gateway is None:
        raise NoGateway("No gateway is in service at the moment. We have been told.")
    return gateway


def _is_taken(public_key: str) -> bool:
    return (
        Peer.objects.filter(live_public_key=public_key).exists()
        or Gateway.objects.filter(public_key=public_key).exists()
    )


def _tell(subscription: Subscription, peer: Peer) -> None:
    customer = subscription.customer
    if not customer.phone:
        return
    until = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    key = f"vpn_ready:{subscription.pk}:{int(subscription.ends_at.timestamp())}"
    queue_message(
        message_id="vpn_ready",
        to=customer.phone,
        language=customer.language,
        context={
            "bundle": subscription.bundle.name,
            "until": f"{until:%d.%m.%Y %H:%M}",
            "link": new_link(peer=peer),
        },
        key=key,
    )
