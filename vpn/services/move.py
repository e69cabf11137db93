"""Moves customers' devices to another gateway: same keys, another address, a new file."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from django.db.models import Count, Min
from django.utils import timezone

from bundles.models import Subscription
from common.transactions import retried
from vpn.errors import AddressesExhausted, NoGateway
from vpn.models import LIVE, Gateway, Peer
from vpn.services.addresses import free_address, take_address
from vpn.services.allow_shrink import allow_shrink
from vpn.services.place import choices
from vpn.services.publish import peers_at, publish
from vpn.services.tell import tell_new_file

BATCH = 200


class Drained(NamedTuple):
    """Subscriptions moved by one call, and devices that are still on the gateway."""

    moved: int
    left: int


def drain_gateway(*, gateway: Gateway, to: Gateway | None = None) -> Drained:
    """Move a batch of a gateway's customers, whose agent may be silent; no new ones come to it.

    Called again until nothing is left, or nothing moves: those have no gateway that may serve them.
    """
    Gateway.objects.filter(pk=gateway.pk, state=Gateway.State.ACTIVE).update(
        state=Gateway.State.DRAINING
    )
    allow_shrink(gateway=gateway)
    live = Peer.objects.filter(gateway=gateway, state__in=LIVE)
    waiting = live.values_list("subscription_id", "subscription__bundle_id").annotate(
        devices=Count("pk"), state=Min("state")
    )
    moved, unplaceable = 0, set()
    for subscription_id, *kind, _ in list(waiting.order_by("state", "subscription_id")):
        if moved == BATCH:
            break
        if tuple(kind) in unplaceable:
            continue
        try:
            moved += move(subscription_id=subscription_id, away_from=gateway, to=to)
        except (NoGateway, AddressesExhausted):
            unplaceable.add(tuple(kind))
    return Drained(moved=moved, left=live.count())


def move_peer(*, peer: Peer, to: Gateway | None = None) -> bool:
    """Move a device, and with it the others of its subscription; safe to repeat."""
    return move(subscription_id=peer.subscription_id, away_from=peer.gateway, to=to)


def move(*, subscription_id: int, away_from: Gateway, to: Gateway | None = None) -> bool:
    """Move a subscription's devices off a gateway, and tell its customer. False if none is there.

    Without `to` it is the first with room for all of those that a new customer of the bundle would
    get. Raises NoGateway and AddressesExhausted.
    """
    *others, last = [to.pk] if to else _targets(subscription_id, away_from)
    for target_id in others:
        with suppress(NoGateway, AddressesExhausted):
            return _move_all(subscription_id, away_from, target_id)
    return _move_all(subscription_id, away_from, last)


@retried
def _move_all(subscription_id: int, away_from: Gateway, target_id: int) -> bool:
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    gateways = Gateway.objects.select_for_update().filter(pk__in=[away_from.pk, target_id])
    locked = {gateway.pk: gateway for gateway in gateways.order_by("pk")}
    source, target = locked[away_from.pk], locked[target_id]
    peers = peers_at(source, subscription)
    if not peers or source == target:
        return False
    _check(target, len(peers))
    moved = [_move(peer, target) for peer in peers]
    publish(source, peers)
    publish(target, moved)
    served = [peer for peer in moved if peer.state == Peer.State.ACTIVE]
    if served:
        tell_new_file(message_id="vpn_moved", peer=served[0], key=f"vpn_moved:{served[0].pk}")
    return True


def _targets(subscription_id: int, away_from: Gateway) -> list[int]:
    subscription = Subscription.objects.select_related("bundle").get(pk=subscription_id)
    found = [choice.gateway_id for choice in choices(subscription)]
    targets = [gateway_id for gateway_id in found if gateway_id != away_from.pk]
    if not targets:
        raise NoGateway("No other gateway may serve this customer.")
    return targets


def _check(target: Gateway, devices: int) -> None:
    if target.public_key is None or target.state != Gateway.State.ACTIVE:
        raise NoGateway(f"{target.name} is not in service.")
    if target.peers_served + devices > target.capacity:
        raise NoGateway(f"{target.name} has no room.")


def _move(peer: Peer, target: Gateway) -> Peer:
    """The peer's new row, to be saved; the old one stays as the record of who had its address."""
    moved = Peer(
        subscription=peer.subscription,
        gateway=target,
        address=take_address(target),
        device_name=peer.device_name,
        public_key=peer.public_key,
        private_key=peer.private_key,
        preshared_key=peer.preshared_key,
        state=peer.state,
        suspended_at=peer.suspended_at,
        handshake_at=peer.handshake_at,
    )
    peer.state = Peer.State.REVOKED
    peer.revoked_at = timezone.now()
    peer.private_key = peer.preshared_key = ""
    peer.save(update_fields=["state", "revoked_at", "private_key", "preshared_key"])
    free_address(peer.address_id)
    return moved
