"""Chooses the gateway that a subscription's first device goes to: one query chooses, one locks."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from bundles.models import Subscription
from vpn.errors import AddressesExhausted, NoGateway
from vpn.models import SILENT_AFTER, Address, Gateway
from vpn.services.addresses import take_address

NEEDED_OF_GATEWAY = (
    "id",
    "name",
    "range4",
    "range6",
    "next_number",
    "revision",
    "digest",
    "peers_served",
    "state",
    "capacity",
)

# Written out: the ORM would take ten times as long to compose it as the database to answer it, and
# each customer who has paid waits for that.
CHOICES = """
SELECT id, keeps FROM (
  SELECT g.id, g.state,
    g.peers_served < g.capacity AS has_room,
    g.peers_served * 1.0 / g.capacity AS burden,
    g.seen_at IS NOT NULL AND g.seen_at > %(heard_since)s AS is_heard,
    g.owner_id = %(owner)s AS is_owners,
    g.owner_id IS NULL AS is_platforms,
    EXISTS (SELECT 1 FROM vpn_gateway_bundles AS n
            WHERE n.gateway_id = g.id AND n.bundle_id = %(bundle)s) AS names_it,
    EXISTS (SELECT 1 FROM vpn_gateway_bundles AS n WHERE n.gateway_id = g.id) AS names_any,
    EXISTS (SELECT 1 FROM vpn_gateway_bundles AS n WHERE n.bundle_id = %(bundle)s) AS is_named,
    g.region = (SELECT e.region FROM vpn_peer AS n JOIN vpn_gateway AS e ON e.id = n.gateway_id
            WHERE n.id = (SELECT MAX(p.id) FROM bundles_subscription AS s
                          JOIN vpn_peer AS p ON p.subscription_id = s.id
                          WHERE s.customer_id = %(customer)s)) AS is_known,
    %(renews)s AND g.id = (SELECT MAX(n.gateway_id) FROM vpn_peer AS n
            WHERE n.state = 'suspended' AND n.subscription_id = (
                SELECT MAX(s.id) FROM bundles_subscription AS s
                JOIN vpn_peer AS p ON p.subscription_id = s.id
                WHERE s.customer_id = %(customer)s AND s.bundle_id = %(bundle)s
                  AND p.state = 'suspended')) AS keeps
  FROM vpn_gateway AS g
  WHERE g.public_key IS NOT NULL AND g.state <> 'offline'
) AS gateway
WHERE keeps OR state = 'active' AND has_room AND (
  names_it OR NOT is_named AND NOT names_any AND (is_owners OR is_platforms)
)
ORDER BY keeps DESC, names_it OR is_owners DESC, is_heard DESC, is_known DESC, burden, id
"""
LOCK = f"SELECT {', '.join(NEEDED_OF_GATEWAY)} FROM vpn_gateway WHERE id = %s"  # noqa: S608  # our words


class Choice(NamedTuple):
    """`keeps` when it keeps the customer's devices of the last subscription to the bundle."""

    gateway_id: int
    keeps: bool


def place_first(subscription: Subscription) -> tuple[Gateway, Address | None]:
    """A locked gateway for a subscription that begins, and an address of it.

    Instead of an address it may keep the customer's devices. Raises NoGateway and AddressesExhausted.
    """
    return _place(choices(subscription, renews=True))


def place_again(subscription: Subscription) -> tuple[Gateway, Address]:
    """The same for a subscription that has no device any more and gets a new one."""
    gateway, address = _place(choices(subscription))
    return gateway, address or take_address(gateway)


def choices(subscription: Subscription, *, renews: bool = False) -> list[Choice]:
    """The gateways that may serve a subscription, the best first.

    Where gateways name its bundle, only those: packets leave where the owner wants them to. Else the
    owner's own that name none, then the platform's. Among these the healthy before the silent, then
    the region of the customer's newest device, then the least laden.
    """
    heard_since = timezone.now() - SILENT_AFTER
    parameters = {
        "bundle": subscription.bundle_id,
        "customer": subscription.customer_id,
        "heard_since": connection.ops.adapt_datetimefield_value(heard_since),
        "owner": subscription.bundle.owner_id,
        "renews": renews,
    }
    with connection.cursor() as cursor:
        cursor.execute(CHOICES, parameters)
        return [Choice(gateway_id, bool(keeps)) for gateway_id, keeps in cursor.fetchall()]


def _place(found: list[Choice]) -> tuple[Gateway, Address | None]:
    is_full = False
    for choice in found:
        gateway = _locked(choice)
        if gateway is None:
            continue
        if choice.keeps:
            return gateway, None
        try:
            return gateway, take_address(gateway)
        except AddressesExhausted:
            is_full = True
    if is_full:
        raise AddressesExhausted("All addresses are taken at the moment. We have been told.")
    raise NoGateway("No gateway is in service at the moment. We have been told.")


def _locked(choice: Choice) -> Gateway | None:
    """The gateway, unless it was filled or closed in the meantime."""
    locking = " FOR UPDATE" if connection.features.has_select_for_update else ""
    (gateway,) = Gateway.objects.raw(LOCK + locking, [choice.gateway_id])
    if choice.keeps:
        return gateway if gateway.state != Gateway.State.OFFLINE else None
    has_room = gateway.peers_served < gateway.capacity
    return gateway if gateway.state == Gateway.State.ACTIVE and has_room else None
