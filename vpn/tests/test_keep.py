"""A customer who renews goes on with the file that the phone has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from bundles.models import Bundle, Subscription
from bundles.services.end import end_overdue_subscriptions
from bundles.tests.test_buy_and_activate import pay
from common.transactions import retried
from payments.models import MobileMoneyTransaction, Payment
from payments.providers.base import Answer, Outcome
from payments.services.settle import settle
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import assert_success
from vpn.errors import PublicKeyInUse
from vpn.keys import new_key_pair
from vpn.models import EMPTY_DIGEST, Gateway, Peer
from vpn.services.generate import generate_config
from vpn.services.keep import KEPT_FOR, revoke_long_kept
from vpn.services.move import move_peer
from vpn.services.revoke import revoke_all, revoke_now
from vpn.services.rotate import rotate_keys
from vpn.tests.agents import Agent
from vpn.tests.factories import another_gateway
from vpn.tests.test_publish import published, state_of
from vpn.wireguard_config import customer_config

Subscribe = Callable[..., Subscription]


def let_end(*subscriptions: Subscription) -> None:
    now = timezone.now()
    Subscription.objects.filter(pk__in=[each.pk for each in subscriptions]).update(
        starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
    )
    end_overdue_subscriptions()


def renew(subscription: Subscription) -> Subscription:
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(subscription.customer, subscription.bundle)
    return Subscription.objects.filter(customer=subscription.customer).latest("id")


def add_device(subscription: Subscription, name: str) -> Peer:
    return generate_config(
        customer=subscription.customer, bundle_id=subscription.bundle_id, device_name=name
    )


def test_the_end_of_the_time_suspends_and_keeps(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe()
    before = subscription.peers.get()
    agent = Agent(gateway)
    agent.pulls()
    let_end(subscription)
    peer = subscription.peers.get()
    assert peer.state == Peer.State.SUSPENDED
    assert peer.suspended_at is not None
    assert (peer.private_key, peer.preshared_key) == (before.private_key, before.preshared_key)
    assert peer.address.free_at is None
    assert agent.pulls()["remove"] == [peer.pk]
    assert published() == (EMPTY_DIGEST, 0)


def test_after_a_renewal_the_same_file_works(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe()
    file = customer_config(subscription.peers.get())
    let_end(subscription)
    agent = Agent(gateway)
    agent.pulls()
    another_gateway()
    Gateway.objects.filter(pk=gateway.pk).update(state="draining", capacity=0)
    renewed = renew(subscription)
    assert renewed != subscription
    peer = renewed.peers.get()
    assert (peer.state, peer.suspended_at) == (Peer.State.ACTIVE, None)
    assert customer_config(peer) == file
    assert [told["group"] for told in agent.pulls()["upsert"]] == [renewed.pk]
    assert not subscription.peers.exists()


def test_a_renewal_that_comes_with_the_end_keeps_the_file(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    """The sweep has not ended the old subscription yet: activating does."""
    subscription = subscribe()
    peer = subscription.peers.get()
    now = timezone.now()
    Subscription.objects.update(
        starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
    )
    assert renew(subscription).peers.get() == peer
    assert published() == state_of(gateway)


def test_a_renewal_takes_over_as_many_devices_as_it_may_have(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe(max_connections=3)
    devices = [subscription.peers.get()] + [add_device(subscription, name) for name in "ab"]
    let_end(subscription)
    Bundle.objects.update(max_connections=2)
    renewed = renew(subscription)
    assert list(renewed.peers.order_by("id")) == devices[:2]
    assert subscription.peers.get().state == Peer.State.SUSPENDED
    assert published() == state_of(gateway)


def test_a_kept_device_is_listed_as_not_active_until_it_is_given_up(subscribe: Subscribe) -> None:
    subscription = subscribe()
    peer = subscription.peers.get()
    app = signed_in(subscription.customer)

    def listed() -> list[tuple[int, bool]]:
        configs = assert_success(app.get("/api/vpn/configs"))["configs"]
        return [(each["id"], each["is_active"]) for each in configs]

    assert listed() == [(peer.pk, True)]
    let_end(subscription)
    assert listed() == [(peer.pk, False)]
    config = assert_success(app.get(f"/api/vpn/config/{peer.pk}"))["config"]
    assert config["config_data"] == customer_config(peer), "a renewal makes this file work again"
    assert app.get(f"/api/vpn/config/{peer.pk}/qr").status_code == 200
    renew(subscription)
    assert listed() == [(peer.pk, True)]
    let_end(Subscription.objects.latest("id"))
    assert_success(app.delete(f"/api/vpn/config/{peer.pk}"))
    assert listed() == []


def test_the_last_subscriptions_devices_are_taken_over_not_those_left_of_an_earlier_one(
    subscribe: Subscribe,
) -> None:
    subscription = subscribe(max_connections=2)
    add_device(subscription, "laptop")
    let_end(subscription)
    Bundle.objects.update(max_connections=1)
    last = renew(subscription)
    second = another_gateway(peers_served=1)
    move_peer(peer=last.peers.get(), to=second)
    let_end(last)
    assert renew(subscription).peers.get().gateway == second


def test_another_bundle_or_customer_takes_nothing_over(subscribe: Subscribe) -> None:
    subscription = subscribe()
    let_end(subscription)
    subscribe(subscription.customer)
    subscribe()
    assert subscription.peers.get().state == Peer.State.SUSPENDED
    assert Peer.objects.filter(state=Peer.State.ACTIVE).count() == 2


def test_a_phone_may_bring_its_kept_key_to_another_bundle(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    key = new_key_pair().public
    subscription = subscribe()
    customer = subscription.customer
    generate_config(customer=customer, bundle_id=subscription.bundle_id, public_key=key)
    let_end(subscription)
    strangers = subscribe()
    with pytest.raises(PublicKeyInUse):
        rotate_keys(peer=strangers.peers.get(), public_key=key)
    other = subscribe(customer)
    peer = generate_config(customer=customer, bundle_id=other.bundle_id, public_key=key)
    assert (peer.public_key, peer.subscription) == (key, other)
    assert not subscription.peers.exclude(state=Peer.State.REVOKED).exists()
    assert published() == state_of(gateway)


def test_what_an_offline_gateway_keeps_is_not_waited_for(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe()
    let_end(subscription)
    Gateway.objects.update(state="offline")
    second = another_gateway()
    assert renew(subscription).peers.get().gateway == second


def test_nobody_keeps_an_address_for_ever(subscribe: Subscribe) -> None:
    old, fresh = subscribe(), subscribe()
    let_end(old, fresh)
    old.peers.update(suspended_at=timezone.now() - KEPT_FOR)
    assert revoke_long_kept() == 1
    peer = old.peers.get()
    assert (peer.state, peer.private_key) == (Peer.State.REVOKED, "")
    assert peer.address.free_at is not None
    assert fresh.peers.get().state == Peer.State.SUSPENDED
    assert renew(old).peers.get() != peer


def test_a_device_that_is_renewed_meanwhile_is_not_revoked(
    subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribe()
    let_end(subscription)
    subscription.peers.update(suspended_at=timezone.now() - KEPT_FOR)

    def renew_first(**arguments: object) -> None:
        renew(subscription)
        revoke_now(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("vpn.services.keep.revoke_now", renew_first)
    revoke_long_kept()
    assert Peer.objects.get().state == Peer.State.ACTIVE


def test_a_subscription_whose_money_is_gone_loses_its_devices_at_once(
    subscribe: Subscribe,
) -> None:
    subscription = subscribe()
    settle(
        attempt_id=Payment.objects.get().attempts.get().pk,
        answer=Answer(outcome=Outcome.REVERSED, code="x"),
        source="webhook",
        evidence="test",
    )
    peer = subscription.peers.get()
    assert (peer.state, peer.private_key) == (Peer.State.REVOKED, "")


def test_withdrawing_ends_suspended_devices_too(subscribe: Subscribe) -> None:
    subscription = subscribe()
    let_end(subscription)
    retried(revoke_all)(subscription=subscription)
    assert subscription.peers.get().state == Peer.State.REVOKED
