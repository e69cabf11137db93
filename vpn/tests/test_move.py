"""Customers go to another gateway with their keys, and are told of it."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.test_buy_and_activate import pay
from notifications.models import Message
from payments.tests.factories import a_customer
from vpn.errors import NoGateway
from vpn.models import EMPTY_DIGEST, Gateway, Peer
from vpn.services import move as move_service
from vpn.services.move import drain_gateway, move_peer
from vpn.tests.agents import Agent
from vpn.tests.factories import another_gateway
from vpn.tests.test_keep import add_device, let_end, renew
from vpn.tests.test_publish import state_of

Subscribe = Callable[..., Subscription]


def live(gateway: Gateway) -> list[Peer]:
    return list(Peer.objects.filter(gateway=gateway).exclude(state=Peer.State.REVOKED))


def told() -> list[str]:
    return list(Message.objects.filter(message_id="vpn_moved").values_list("text", flat=True))


def assert_true(*gateways: Gateway) -> None:
    """What is published of each gateway is what its rows say."""
    for gateway in gateways:
        gateway.refresh_from_db()
        assert (gateway.digest, gateway.peers_served) == state_of(gateway)


def test_a_moved_device_keeps_its_keys_and_gets_a_new_file(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe()
    before = subscription.peers.get()
    agent, second = Agent(gateway), another_gateway()
    other = Agent(second)
    agent.pulls()
    other.pulls()
    assert move_peer(peer=before)
    peer = live(second)[0]
    assert (peer.private_key, peer.preshared_key, peer.public_key, peer.device_name) == (
        before.private_key,
        before.preshared_key,
        before.public_key,
        before.device_name,
    )
    before.refresh_from_db()
    assert (before.state, before.private_key) == (Peer.State.REVOKED, "")
    assert before.address.free_at is not None
    assert before.address.free_at > timezone.now()
    assert agent.pulls()["remove"] == [before.pk]
    assert [each["id"] for each in other.pulls()["upsert"]] == [peer.pk]
    link = told()[0].rpartition(" ")[2]
    page = Client().post(link.partition("8000")[2]).content.decode()
    assert second.endpoint in page
    assert peer.private_key in page


def test_moving_twice_moves_once(gateway: Gateway, subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    second, third = another_gateway(), another_gateway()
    assert move_peer(peer=peer, to=second)
    assert not move_peer(peer=peer, to=second)
    assert not move_peer(peer=peer, to=third)
    assert not move_peer(peer=live(second)[0], to=second)
    assert len(live(second)) == len(told()) == 1


def test_a_subscriptions_devices_move_together(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe(max_connections=2)
    second = another_gateway()
    move_peer(peer=add_device(subscription, "laptop"), to=second)
    assert {peer.device_name for peer in live(second)} == {"phone", "laptop"}
    assert live(gateway) == []
    assert len(told()) == 1
    assert_true(gateway, second)
    assert add_device(subscription, "phone").gateway == second


def test_kept_devices_move_silently_and_are_renewed_there(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe()
    kept = subscription.peers.get()
    let_end(subscription)
    second = another_gateway()
    assert drain_gateway(gateway=gateway) == (1, 0)
    assert told() == []
    assert live(second)[0].suspended_at is not None
    peer = renew(subscription).peers.get(state=Peer.State.ACTIVE)
    assert (peer.gateway, peer.private_key) == (second, kept.private_key)
    assert_true(gateway, second)


@pytest.mark.parametrize(
    "values", [{"state": "offline"}, {"state": "draining"}, {"public_key": None}, {"capacity": 0}]
)
def test_nobody_moves_where_nobody_is_served(
    subscribe: Subscribe, values: dict[str, object]
) -> None:
    peer = subscribe().peers.get()
    target = another_gateway(**values)
    for to in (target, None):
        with pytest.raises(NoGateway):
            move_peer(peer=peer, to=to)
    assert subscription_is_served(peer)


def subscription_is_served(peer: Peer) -> bool:
    peer.refresh_from_db()
    return peer.state == Peer.State.ACTIVE and bool(peer.digest)


def test_a_drained_gateway_is_left_in_batches_and_takes_nobody(
    gateway: Gateway, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_service, "BATCH", 2)
    agent = Agent(gateway)
    for _ in range(3):
        subscribe()
    agent.pulls()
    second = another_gateway()
    assert drain_gateway(gateway=gateway) == (2, 1)
    gateway.refresh_from_db()
    assert gateway.state == Gateway.State.DRAINING
    assert agent.pulls()["gateway"]["may_shrink"] is True, "staff have ordered that it shrinks"
    assert drain_gateway(gateway=gateway) == (1, 0)
    assert drain_gateway(gateway=gateway) == (0, 0)
    assert_true(gateway, second)
    assert gateway.digest == EMPTY_DIGEST


def test_an_offline_gateway_stays_offline_when_its_customers_are_moved(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscribe()
    Gateway.objects.update(state="offline")
    another_gateway()
    assert drain_gateway(gateway=gateway) == (1, 0)
    gateway.refresh_from_db()
    assert gateway.state == Gateway.State.OFFLINE


def test_who_cannot_be_moved_holds_up_nobody_else(gateway: Gateway, subscribe: Subscribe) -> None:
    bound = subscribe()
    subscribe()
    gateway.bundles.add(bound.bundle)
    another_gateway()
    assert drain_gateway(gateway=gateway) == (1, 1)
    assert subscription_is_served(bound.peers.get())


def test_who_does_not_fit_where_it_would_be_best_goes_to_the_next(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription, single = subscribe(max_connections=2), subscribe()
    laptop = add_device(subscription, "laptop")
    nearly_full = another_gateway(capacity=1, seen_at=timezone.now())
    exhausted = another_gateway(next_number=70_000, seen_at=timezone.now())
    roomy = another_gateway()
    assert move_peer(peer=laptop)
    assert len(live(roomy)) == 2
    assert move_peer(peer=single.peers.get())
    assert len(live(nearly_full)) == 1
    assert live(exhausted) == []
    assert_true(gateway, nearly_full, exhausted, roomy)


def test_a_customer_of_many_devices_holds_up_nobody_with_fewer(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe(max_connections=2)
    add_device(subscription, "laptop")
    pay(a_customer(), subscription.bundle)
    target = another_gateway(capacity=1)
    assert drain_gateway(gateway=gateway) == (1, 2)
    assert len(live(target)) == 1
    assert {peer.subscription for peer in live(gateway)} == {subscription}


def manage(*arguments: str) -> str:
    output = StringIO()
    call_command("gateway", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_moves_all(subscribe: Subscribe) -> None:
    for _ in range(2):
        subscribe()
    second = another_gateway()
    assert "2 customers moved, 0 devices left." in manage("move", "first", second.name)
    assert len(live(second)) == 2
    Gateway.objects.filter(name="first").update(state="offline")
    with pytest.raises(CommandError, match="No gateway in service has room"):
        manage("move", second.name)
    with pytest.raises(CommandError, match=f"no gateway x; there are: first, {second.name}"):
        manage("move", "x")
