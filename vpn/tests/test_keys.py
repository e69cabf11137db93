"""Keys are changed by customers and staff, and encrypted anew."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from bundles.models import Subscription
from notifications.models import Message
from payments.tests.factories import a_customer
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import assert_error, assert_success
from vpn.errors import ConfigNotFound
from vpn.keys import new_key_pair
from vpn.models import EMPTY_DIGEST, Gateway, Peer
from vpn.services.links import new_link
from vpn.services.revoke import revoke_now
from vpn.services.rotate import rotate_for_customer, rotate_keys
from vpn.tests.agents import Agent
from vpn.tests.test_keep import let_end, renew
from vpn.tests.test_publish import published, state_of

Subscribe = Callable[..., Subscription]


def rotate(peer: Peer, **body: str) -> Any:
    app = signed_in(peer.subscription.customer)
    return app.post(f"/api/vpn/config/{peer.pk}/rotate", body, format="json")


def test_a_customer_rotates_the_keys_and_keeps_the_address(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    before = subscribe().peers.get()
    agent = Agent(gateway)
    agent.pulls()
    config = assert_success(rotate(before))["config"]
    peer = Peer.objects.get()
    assert config["id"] == peer.pk == before.pk
    assert peer.address == before.address
    assert f"PrivateKey = {peer.private_key}" in config["config_data"]
    for key in ("private_key", "preshared_key", "public_key"):
        assert getattr(peer, key) != getattr(before, key)
    assert [told["public_key"] for told in agent.pulls()["upsert"]] == [peer.public_key]
    assert published() == state_of(gateway)


def test_a_phone_rotates_with_a_key_of_its_own(subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    own = new_key_pair().public
    config = assert_success(rotate(peer, public_key=own))["config"]
    assert "PrivateKey" not in config["config_data"]
    peer.refresh_from_db()
    assert (peer.public_key, peer.private_key) == (own, "")


def test_no_other_key_than_ones_own_is_taken(gateway: Gateway, subscribe: Subscribe) -> None:
    peer, other = subscribe().peers.get(), subscribe().peers.get()
    assert_error(rotate(peer, public_key="x"), 400)
    for taken in (other.public_key, gateway.public_key or ""):
        assert rotate(peer, public_key=taken).json()["code"] == "public_key_in_use"
    before = peer.public_key
    peer.refresh_from_db()
    assert peer.public_key == before


@pytest.mark.parametrize("is_told_again", [False, True])
def test_a_phone_keeps_the_pair_that_it_made(
    gateway: Gateway, subscribe: Subscribe, is_told_again: bool
) -> None:
    peer, own = subscribe().peers.get(), new_key_pair().public
    before = rotate_keys(peer=peer, public_key=own)
    agent = Agent(gateway)
    agent.pulls()
    assert_success(rotate(peer, public_key=own) if is_told_again else rotate(peer))
    peer.refresh_from_db()
    assert (peer.public_key, peer.private_key) == (own, "")
    assert peer.preshared_key != before.preshared_key
    assert [told["preshared_key"] for told in agent.pulls()["upsert"]] == [peer.preshared_key]


def test_a_kept_device_gets_new_keys_for_its_renewal(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe()
    before = subscription.peers.get()
    let_end(subscription)
    rotated = rotate_for_customer(peer=before)
    assert rotated.state == Peer.State.SUSPENDED
    assert not Message.objects.filter(message_id="vpn_rotated").exists(), "its link would be dead"
    assert published() == state_of(gateway) == (EMPTY_DIGEST, 0)
    peer = renew(subscription).peers.get()
    assert peer == before
    assert peer.private_key == rotated.private_key != before.private_key
    assert published() == state_of(gateway)


def test_a_kept_device_whose_phone_repeats_its_key_is_not_given_up(subscribe: Subscribe) -> None:
    subscription, own = subscribe(), new_key_pair().public
    peer = rotate_keys(peer=subscription.peers.get(), public_key=own)
    let_end(subscription)
    assert_success(rotate(subscription.peers.get(), public_key=own))
    peer.refresh_from_db()
    assert (peer.state, peer.public_key) == (Peer.State.SUSPENDED, own)


def test_nobody_rotates_somebody_elses_keys_or_revoked_ones(subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    response = signed_in(a_customer()).post(f"/api/vpn/config/{peer.pk}/rotate", format="json")
    assert_error(response, 404)
    revoke_now(peer=peer)
    assert_error(rotate(peer), 404)
    with pytest.raises(ConfigNotFound):
        rotate_keys(peer=peer)


def test_old_links_do_not_reveal_new_keys(subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    path = new_link(peer=peer).partition("8000")[2]
    rotate_keys(peer=peer)
    assert Client().post(path).status_code == 404


def test_a_customer_whose_keys_staff_have_rotated_is_told(subscribe: Subscribe) -> None:
    peer = rotate_for_customer(peer=subscribe().peers.get())
    link = Message.objects.get(message_id="vpn_rotated").text.rpartition(" ")[2]
    page = Client().post(link.partition("8000")[2])
    assert peer.private_key in page.content.decode()
    rotate_for_customer(peer=peer)
    assert Message.objects.filter(message_id="vpn_rotated").count() == 2


def stored() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key, preshared_key FROM vpn_peer ORDER BY id")
        return list(cursor.fetchall())


def test_stored_keys_are_encrypted_anew(
    subscribe: Subscribe, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vpn.services.rotate_encryption.BATCH", 2)
    peers = [subscribe().peers.get() for _ in range(4)]
    rotate_keys(peer=peers[2], public_key=new_key_pair().public)
    revoke_now(peer=peers[3])
    before = list(Peer.objects.order_by("id").values_list("private_key", "preshared_key"))
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    for _ in range(2):
        output = StringIO()
        call_command("rotate_encryption", stdout=output)
        assert output.getvalue().splitlines() == [
            "2 devices so far",
            "3 devices so far",
            "The keys of 3 devices are encrypted with the first key.",
        ]
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert list(Peer.objects.order_by("id").values_list("private_key", "preshared_key")) == before
    assert stored()[2][0] == ""
    assert stored()[3] == ("", "")


def test_a_missing_key_is_said(subscribe: Subscribe, settings: Any) -> None:
    subscribe()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="Add it again"):
        call_command("rotate_encryption")
