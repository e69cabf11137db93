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
from vpn.errors import ConfigNotFound
from vpn.models import Gateway, Peer
from vpn.services.move import drain_gateway, move_peer
from vpn.services.place import place_first
from vpn.services.republish import republish_changed
from vpn.services.revoke import revoke_now
from vpn.services.rotate import rotate_keys
from vpn.tests.agents import Agent
from vpn.tests.factories import another_gateway, first_gateway
from vpn.tests.test_publish import state_of

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

ACTIVATIONS = 200
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


def _rotate_if_there(peer: Peer) -> None:
    """Whoever is moved first has another row to rotate."""
    with suppress(ConfigNotFound):
        rotate_keys(peer=peer)
