"""Many who are served, moved, changed and revoked at once: addresses and digests hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.models import Payment
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer
from tests.at_once import at_once
from tests.concurrency.test_settling import an_attempt, news, success
from vpn.errors import ConfigNotFound, DeviceLimitReached, PublicKeyInUse
from vpn.keys import new_key_pair
from vpn.models import Gateway, Peer
from vpn.services.generate import generate_config
from vpn.services.move import drain_gateway, move_peer
from vpn.services.place import place_first
from vpn.services.republish import republish_changed
from vpn.services.revoke import revoke, revoke_now
from vpn.services.rotate import rotate_keys
from vpn.tests.agents import Agent
from vpn.tests.factories import another_gateway, first_gateway
from vpn.tests.test_keep import let_end, renew
from vpn.tests.test_publish import state_of

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

ACTIVATIONS = 200
PAIRS = 10
THREADS = 50


def in_turn(calls: list[Callable[[], Any]]) -> None:
    for call in calls:
        call()


def assert_true(gateway: Gateway) -> None:
    """Digest, count and what an agent is told are those of the rows."""
    gateway.refresh_from_db()
    assert (gateway.digest, gateway.peers_served) == state_of(gateway)
    Agent(gateway).pulls()


def test_two_hundred_activations_have_two_hundred_addresses_and_a_true_digest() -> None:
    gateway, bundle = first_gateway(), a_bundle(max_clients=ACTIVATIONS)
    attempts = [an_attempt(a_customer(), bundle) for _ in range(ACTIVATIONS)]
    calls = [news(attempt, success(attempt)) for attempt in attempts]
    agent = Agent(gateway)

    ended = at_once(
        [partial(in_turn, calls[start::THREADS]) for start in range(THREADS)]
        + [lambda: in_turn([agent.pulls] * 20)]  # a torn state would not fit its digest
    )

    assert ended.errors == []
    assert Payment.objects.filter(disposition="fulfilled").count() == ACTIVATIONS
    addresses = set(Peer.objects.values_list("address__number", flat=True))
    assert addresses == set(range(2, 2 + ACTIVATIONS))
    agent.pulls()
    assert len(agent.peers) == ACTIVATIONS
    assert_true(gateway)


def test_placing_locks_the_chosen_gateway_alone() -> None:
    first_gateway()
    other = another_gateway(peers_served=1)
    pay(a_customer(), a_bundle())
    subscription = Subscription.objects.get()

    def change_the_others() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        Gateway.objects.filter(pk=other.pk).update(region="coast")
        other.bundles.add(subscription.bundle)
        Peer.objects.update(device_name="tablet")

    with transaction.atomic():
        gateway, _ = place_first(subscription)
        assert gateway != other
        assert at_once([change_the_others]).errors == []


def test_two_gateways_fill_to_their_capacity_and_no_further() -> None:
    first_gateway()
    another_gateway()
    Gateway.objects.update(capacity=10)
    bundle = a_bundle()
    attempts = [an_attempt(a_customer(), bundle) for _ in range(25)]

    assert at_once([news(attempt, success(attempt)) for attempt in attempts]).errors == []

    assert [gateway.peers_served for gateway in Gateway.objects.all()] == [10, 10]
    assert Peer.objects.count() == Payment.objects.filter(disposition="fulfilled").count() == 20


def test_moving_changing_and_revoking_at_once_leaves_true_gateways() -> None:
    gateway, bundle = first_gateway(), a_bundle()
    for _ in range(20):
        pay(a_customer(), bundle)
    other, peers = another_gateway(), list(Peer.objects.order_by("id"))

    ended = at_once(
        [partial(drain_gateway, gateway=gateway)] * 2
        + [partial(move_peer, peer=peer, to=other) for peer in peers[:5]]
        + [partial(revoke_now, peer=peer) for peer in peers[5:10]]
        + [partial(_rotate_if_there, peer) for peer in peers[10:15]]
        + [republish_changed] * 2
    )

    assert ended.errors == []
    assert not Peer.objects.filter(gateway=gateway, state=Peer.State.ACTIVE).exists()
    live = Peer.objects.filter(gateway=other, state=Peer.State.ACTIVE)
    assert live.values("subscription").distinct().count() == live.count()
    assert live.count() >= 15
    for each in (gateway, other):
        assert_true(each)


def test_the_last_place_for_a_device_is_one_devices() -> None:
    gateway = first_gateway()
    pay(a_customer(), a_bundle(max_connections=2))
    of = Subscription.objects.get()

    ended = at_once(
        [
            partial(generate_config, customer=of.customer, bundle_id=of.bundle_id, device_name=name)
            for name in "abcdefgh"
        ]
    )

    assert len(ended.results) == 1
    assert {type(error) for error in ended.errors} == {DeviceLimitReached}
    assert Peer.objects.count() == 2
    assert_true(gateway)


@pytest.fixture
def on_two_gateways() -> list[Peer]:
    """Devices of as many customers, by turns on the one gateway and on the other."""
    gateways, bundles = [first_gateway(), another_gateway()], [a_bundle(), a_bundle()]
    for gateway, bundle in zip(gateways, bundles, strict=True):
        gateway.bundles.add(bundle)
    for _ in range(PAIRS):
        for bundle in bundles:
            pay(a_customer(), bundle)
    return list(Peer.objects.order_by("id"))


def _asks(peer: Peer, key: str) -> Peer:
    subscription = peer.subscription
    return generate_config(
        customer=subscription.customer, bundle_id=subscription.bundle_id, public_key=key
    )


def _rotates(peer: Peer, key: str) -> Peer:
    return rotate_keys(peer=peer, public_key=key)


@pytest.mark.parametrize("brings", [_asks, _rotates])
def test_a_key_that_two_phones_bring_at_once_is_one_phones(
    on_two_gateways: list[Peer], brings: Callable[[Peer, str], Peer]
) -> None:
    keys = [new_key_pair().public for _ in range(PAIRS)]

    ended = at_once(
        [partial(brings, peer, keys[number // 2]) for number, peer in enumerate(on_two_gateways)]
    )

    assert [type(error) for error in ended.errors] == [PublicKeyInUse] * PAIRS
    assert sorted(peer.public_key for peer in ended.results) == sorted(keys)
    for gateway in Gateway.objects.all():
        assert_true(gateway)


def test_a_key_that_is_brought_while_its_device_moves_stays_the_devices(
    on_two_gateways: list[Peer],
) -> None:
    third = another_gateway()
    moving, bringing = on_two_gateways[::2], on_two_gateways[1::2]

    ended = at_once(
        [partial(move_peer, peer=peer, to=third) for peer in moving]
        + [
            partial(_asks, peer, other.public_key)
            for peer, other in zip(bringing, moving, strict=True)
        ]
    )

    assert [type(error) for error in ended.errors] == [PublicKeyInUse] * PAIRS
    live = Peer.objects.filter(gateway=third, state=Peer.State.ACTIVE)
    assert {peer.public_key for peer in live} == {peer.public_key for peer in moving}
    for gateway in Gateway.objects.all():
        assert_true(gateway)


def test_a_kept_device_that_is_renewed_while_its_key_is_brought_elsewhere_is_not_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first_gateway()
    customer, bundle, other = a_customer(), a_bundle(), a_bundle()
    pay(customer, bundle)
    kept, key = Subscription.objects.get(), new_key_pair().public
    generate_config(customer=customer, bundle_id=bundle.pk, public_key=key)
    let_end(kept)
    pay(customer, other)

    def renew_first(**arguments: Any) -> None:
        assert at_once([partial(renew, kept)]).errors == []
        revoke(**arguments)

    monkeypatch.setattr("vpn.services.revoke.revoke", renew_first)
    with pytest.raises(PublicKeyInUse):
        rotate_keys(peer=Peer.objects.get(subscription__bundle=other), public_key=key)

    renewed = Peer.objects.get(live_public_key=key)
    assert (renewed.state, renewed.subscription.bundle) == (Peer.State.ACTIVE, bundle)


def _rotate_if_there(peer: Peer) -> None:
    """Whoever is moved first has another row to rotate."""
    with suppress(ConfigNotFound):
        rotate_keys(peer=peer)
