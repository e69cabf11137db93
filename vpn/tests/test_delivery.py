"""From a paid purchase to a file that WireGuard takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from notifications.models import Message
from payments.models import MobileMoneyTransaction
from payments.services.follow_up import follow_up
from payments.tests.factories import a_customer
from vpn.errors import (
    DeviceLimitReached,
    InvalidPublicKey,
    NoActiveSubscription,
    PublicKeyInUse,
)
from vpn.keys import is_public_key, new_key_pair
from vpn.models import Address, Gateway, Peer
from vpn.services.generate import generate_config
from vpn.services.links import new_link
from vpn.services.revoke import revoke_now
from vpn.tests.wg_quick import strip
from vpn.wireguard_config import customer_config, qr_code

Subscribe = Callable[..., Subscription]


def ask(subscription: Subscription, **more: str) -> Peer:
    return generate_config(customer=subscription.customer, bundle_id=subscription.bundle_id, **more)


def test_a_paid_customer_has_a_configuration_and_one_sms(subscribe: Subscribe) -> None:
    subscription = subscribe()
    peer = Peer.objects.get(subscription=subscription)
    assert peer.tunnel_addresses == ["10.8.0.2/32"]
    message = Message.objects.get(message_id="vpn_ready")
    assert peer.private_key not in message.text
    assert "/vpn/c/" in message.text


def test_wireguard_takes_the_customers_file(subscribe: Subscribe, tmp_path: Path) -> None:
    peer = ask(subscribe())
    assert f"PublicKey = {peer.gateway.public_key}" in strip(customer_config(peer), tmp_path)


def test_the_file_and_its_qr_code_are_readable(subscribe: Subscribe) -> None:
    text = customer_config(ask(subscribe()))
    assert "Endpoint = 127.0.0.1:51820" in text
    assert qr_code(text).startswith(b"\x89PNG")


def test_asking_again_gives_the_same_configuration(subscribe: Subscribe) -> None:
    subscription = subscribe()
    assert ask(subscription) == ask(subscription)
    assert Peer.objects.count() == 1


def test_private_keys_are_encrypted_in_the_database(subscribe: Subscribe) -> None:
    peer = ask(subscribe())
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM vpn_peer WHERE id = %s", [peer.pk])
        stored = cursor.fetchone()[0]
    assert stored
    assert peer.private_key not in stored


def test_a_phone_with_its_own_key_gets_a_file_without_ours(subscribe: Subscribe) -> None:
    subscription = subscribe()
    before = ask(subscription)
    own = new_key_pair().public
    peer = ask(subscription, public_key=own)
    assert "PrivateKey" not in customer_config(peer)
    assert peer.address == before.address
    assert ask(subscription, public_key=own) == peer
    assert Peer.objects.filter(state=Peer.State.ACTIVE).count() == 1


def test_devices_are_limited(subscribe: Subscribe) -> None:
    subscription = subscribe(max_connections=2)
    first = ask(subscription)
    second = ask(subscription, device_name="laptop")
    assert first.address != second.address
    assert ask(subscription, device_name="laptop") == second
    with pytest.raises(DeviceLimitReached):
        ask(subscription, device_name="tablet")


@pytest.mark.parametrize("key", ["", "x", "A" * 43 + "=", "AQ" + "A" * 41 + "=", "é" * 44])
def test_a_bad_public_key_is_refused(subscribe: Subscribe, key: str) -> None:
    assert not is_public_key(key)
    if key:
        with pytest.raises(InvalidPublicKey):
            ask(subscribe(), public_key=key)


def test_somebody_elses_key_and_the_gateways_are_refused(
    subscribe: Subscribe, gateway: Gateway
) -> None:
    key = new_key_pair().public
    ask(subscribe(), public_key=key)
    other = subscribe()
    for taken in (key, gateway.public_key):
        with pytest.raises(PublicKeyInUse):
            ask(other, public_key=taken)
    assert Peer.objects.filter(subscription=other, state=Peer.State.ACTIVE).count() == 1


def test_without_a_subscription_there_is_no_configuration() -> None:
    with pytest.raises(NoActiveSubscription):
        generate_config(customer=a_customer(), bundle_id=1)


def test_a_revoked_peer_is_replaced_at_another_address(subscribe: Subscribe) -> None:
    subscription = subscribe()
    first = ask(subscription)
    revoke_now(peer=first)
    second = ask(subscription)
    assert second.address != first.address
    first.refresh_from_db()
    assert (first.state, first.private_key) == (Peer.State.REVOKED, "")


def test_a_freed_address_rests_for_a_day_and_a_paid_customer_waits_for_one(
    subscribe: Subscribe,
) -> None:
    Gateway.objects.update(range4="10.9.0.0/29")  # numbers 2 to 6
    first = ask(subscribe())
    for _ in range(4):
        subscribe()
    revoke_now(peer=first)
    late = a_customer()
    payment = pay(late, a_bundle())
    assert payment.follow_up_at is not None
    assert not Peer.objects.filter(subscription__customer=late).exists()
    Address.objects.filter(free_at__isnull=False).update(free_at=timezone.now())
    follow_up(payment_id=payment.pk)
    assert Peer.objects.get(subscription__customer=late).address == first.address


def test_an_extension_keeps_the_configuration_and_tells_the_new_end(
    subscribe: Subscribe,
) -> None:
    subscription = subscribe()
    peer = ask(subscription)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(subscription.customer, subscription.bundle)
    assert ask(subscription) == peer
    assert Message.objects.filter(message_id="vpn_ready").count() == 2


def test_the_sms_link_reveals_once_and_a_preview_does_no_harm(subscribe: Subscribe) -> None:
    peer = ask(subscribe())
    path = new_link(peer=peer).partition("8000")[2]
    client = Client()
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    revealed = client.post(path)
    assert peer.private_key in revealed.content.decode()
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_an_unknown_link_is_not_found() -> None:
    assert Client().get("/vpn/c/nothing").status_code == 404
