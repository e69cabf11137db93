"""Which gateway a customer's first device goes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from common.transactions import retried
from payments.tests.factories import a_customer
from vpn.errors import AddressesExhausted, NoGateway
from vpn.models import Gateway, Peer
from vpn.services.generate import generate_config
from vpn.services.move import move_peer
from vpn.services.place import choices, place_again, place_first
from vpn.services.revoke import revoke_now
from vpn.tests.factories import another_gateway

Subscribe = Callable[..., Subscription]


@pytest.fixture
def subscription(subscribe: Subscribe) -> Subscription:
    """One whose device is gone, so that it counts nowhere."""
    subscription = subscribe()
    revoke_now(peer=subscription.peers.get())
    return subscription


def chosen(subscription: Subscription) -> list[int]:
    return [choice.gateway_id for choice in choices(subscription)]


def change(gateway: Gateway, **values: Any) -> None:
    Gateway.objects.filter(pk=gateway.pk).update(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"state": "draining"},
        {"state": "offline"},
        {"public_key": None},
        {"capacity": 7, "peers_served": 7},
        {"capacity": 0},
    ],
)
def test_only_an_enrolled_active_gateway_with_room_takes_anybody(
    gateway: Gateway, subscription: Subscription, values: dict[str, Any]
) -> None:
    assert chosen(subscription) == [gateway.pk]
    change(gateway, **values)
    assert chosen(subscription) == []
    with pytest.raises(NoGateway):
        place_first(subscription)


def test_without_a_gateway_a_paid_customer_is_served_when_there_is_one(gateway: Gateway) -> None:
    change(gateway, state="offline")
    payment = pay(a_customer(), a_bundle())
    assert payment.follow_up_at is not None
    assert not Peer.objects.exists()


def test_a_bundle_that_gateways_name_is_served_by_these_alone(
    gateway: Gateway, subscription: Subscription
) -> None:
    named, other = another_gateway(), another_gateway()
    named.bundles.add(subscription.bundle)
    other.bundles.add(a_bundle())
    assert chosen(subscription) == [named.pk]
    change(named, state="offline")
    assert chosen(subscription) == [], "packets leave where the owner wants them to, or nowhere"


def test_an_owners_gateway_comes_before_the_platforms_and_nobody_elses_at_all(
    gateway: Gateway, subscription: Subscription
) -> None:
    owners = another_gateway(owner=subscription.bundle.owner)
    another_gateway(owner=a_customer())
    naming_others = another_gateway(owner=subscription.bundle.owner)
    naming_others.bundles.add(a_bundle())
    assert chosen(subscription) == [owners.pk, gateway.pk]


def test_the_healthy_come_before_the_silent_then_the_region_then_the_load(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    change(gateway, region="dar", peers_served=9000)
    subscription = subscribe()
    laden = another_gateway(region="mwanza", capacity=100, peers_served=50)
    light = another_gateway(region="mwanza", capacity=10_000, peers_served=60)
    assert chosen(subscription) == [gateway.pk, light.pk, laden.pk]
    change(laden, seen_at=timezone.now())
    assert chosen(subscription) == [laden.pk, gateway.pk, light.pk]
    change(laden, seen_at=timezone.now() - timedelta(seconds=91))
    assert chosen(subscription) == [gateway.pk, light.pk, laden.pk]


def test_who_has_gone_to_another_region_is_served_there(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    change(gateway, region="dar")
    subscription = subscribe()
    mwanza = another_gateway(region="mwanza", peers_served=5)
    assert chosen(subscription) == [gateway.pk, mwanza.pk]
    move_peer(peer=subscription.peers.get(), to=mwanza)
    assert chosen(subscription) == [mwanza.pk, gateway.pk]


def test_a_gateway_without_a_free_address_is_passed_over(
    gateway: Gateway, subscription: Subscription
) -> None:
    second = another_gateway(peers_served=1)
    change(gateway, next_number=gateway.last_number + 1)
    assert chosen(subscription)[0] == gateway.pk
    assert retried(place_again)(subscription)[0] == second
    change(second, next_number=second.last_number + 1)
    with pytest.raises(AddressesExhausted):
        retried(place_again)(subscription)


def test_one_query_chooses_and_one_locks(subscription: Subscription) -> None:
    another_gateway()
    assert subscription.bundle.owner_id  # purchases have it in hand
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        place_first(subscription)
    creating_the_address = 1
    assert len(queries) == 2 + creating_the_address


def test_a_gateway_that_fills_meanwhile_is_not_overfilled(
    gateway: Gateway, subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = another_gateway(peers_served=1)
    before = choices(subscription)
    change(gateway, peers_served=gateway.capacity)
    monkeypatch.setattr("vpn.services.place.choices", lambda *_, **__: before)
    assert retried(place_again)(subscription)[0] == second


def test_further_devices_live_on_the_first_ones_gateway(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe(max_connections=2)
    change(gateway, state="draining")
    another_gateway()
    laptop = generate_config(
        customer=subscription.customer, bundle_id=subscription.bundle_id, device_name="laptop"
    )
    assert laptop.gateway == gateway


def test_customers_spread_over_gateways(gateway: Gateway) -> None:
    another_gateway()
    bundle = a_bundle()
    for _ in range(4):
        pay(a_customer(), bundle)
    assert {gateway.peers_served for gateway in Gateway.objects.all()} == {2}
