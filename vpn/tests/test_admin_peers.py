"""Support finds a customer's device, reads its story, and helps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from bundles.models import Subscription
from notifications.models import Message
from payments.models import Payment
from vpn.models import ConfigLink, Connection, Gateway, Peer
from vpn.services.generate import generate_config
from vpn.services.revoke import revoke_now
from vpn.tests.pages import listed, page, send, staff
from vpn.tests.test_admin_gateways import another, used

Subscribe = Callable[..., Subscription]

LIST = "/admin/vpn/peer/"


@pytest.fixture
def peer(subscribe: Subscribe) -> Peer:
    return subscribe().peers.get()


def path_of(peer: Peer, verb: str = "change") -> str:
    return f"{LIST}{peer.pk}/{verb}/"


def resent() -> list[Message]:
    return list(Message.objects.filter(key__contains=":again:"))


# Finding and reading


def test_a_device_is_found_by_anything_the_customer_reads_out(
    peer: Peer, subscribe: Subscribe
) -> None:
    # Heard of, so that the other customer comes here too.
    Gateway.objects.update(range6="fd00:8::/64", seen_at=timezone.now())
    another(range4="10.9.0.0/16", range6="fd00:9::/64")
    other = subscribe().peers.get()
    Peer.objects.filter(pk=other.pk).update(device_name="laptop")
    customer = peer.subscription.customer
    national = (customer.phone or "").removeprefix("+255")
    client = staff()
    for term in (
        f"0{national}",
        f"+255 {national[:3]} {national[3:6]} {national[6:]}",
        customer.email.upper(),
        customer.full_name.lower(),
        peer.public_key,
        "10.8.0.2",
        " 10.8.0.2/32",
        "fd00:8::2",
        "FD00:8:0::2/128",
    ):
        assert listed(client, LIST, q=term) == [peer], term
    for term in (
        "10.9.0.2",
        "fd00:9::2",
        "fd00:8::ffff:ffff:ffff:ffff",
        "1.1.1.1",
        "nobody",
        "10.8.0",
    ):
        assert listed(client, LIST, q=term) == [], term


def test_who_had_an_address_is_found_after_it_was_revoked(peer: Peer) -> None:
    revoke_now(peer=peer)
    assert listed(staff(), LIST, q="10.8.0.2") == [peer]


def test_the_filters_tell_who_is_connected(peer: Peer, subscribe: Subscribe) -> None:
    client, now = staff(), timezone.now()
    online, before = subscribe().peers.get(), subscribe().peers.get()
    Peer.objects.filter(pk=online.pk).update(handshake_at=now - timedelta(seconds=170))
    Peer.objects.filter(pk=before.pk).update(handshake_at=now - timedelta(seconds=190))
    for name, found in (("online", online), ("before", before), ("never", peer)):
        assert listed(client, LIST, connected=name) == [found]
    shown = page(client, LIST)
    for word in ("Online", "Seen 3\xa0minutes ago", "Never connected"):
        assert word in shown


def test_the_list_sums_what_each_device_used(peer: Peer, subscribe: Subscribe) -> None:
    idle = subscribe().peers.get()
    used(peer, up=1_000, down=2_000)
    used(peer, up=0, down=4_000, epoch="e2")
    used(peer, up=0, down=1_000_000, days_ago=400)
    rows = {row.pk: row.traffic for row in listed(staff(), LIST)}
    assert (rows[peer.pk].today, rows[peer.pk].ever) == (7_000, 1_007_000)
    assert (rows[idle.pk].today, rows[idle.pk].ever) == (0, 0)
    assert "1.01 MB" in page(staff(), LIST)


def test_pages_cost_the_same_whatever_they_show(
    peer: Peer, subscribe: Subscribe, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        other = subscribe().peers.get()
        used(other, up=1, down=1, days_ago=number)
        used(peer, up=1, down=1, days_ago=number)
    client = staff()
    with django_assert_max_num_queries(12):
        assert len(listed(client, LIST)) == 9
    with django_assert_max_num_queries(18):
        page(client, path_of(peer))


def test_a_device_that_was_never_seen_says_so(peer: Peer) -> None:
    shown = page(staff(), path_of(peer))
    assert "Never connected" in shown
    assert "This device has used nothing in the last 30 days." in shown
    assert "not opened, good until" in shown
    assert "0 B of 5 GB" in shown
    assert "Not yet in step: its last change is revision 1, gateway first is at 0." in shown


def test_the_story_of_a_device(peer: Peer) -> None:
    now = timezone.now()
    Connection.objects.create(
        peer=peer, started_at=now - timedelta(hours=2), seen_at=now - timedelta(hours=1)
    )
    used(peer, up=1_000_000, down=250_000_000)
    ConfigLink.objects.update(used_at=now)
    Peer.objects.update(handshake_at=now)
    Subscription.objects.update(data_used_bytes=4_000_000_000, used_up_at=now)
    Gateway.objects.update(agent_revision=1)
    client = staff("view_subscription")
    shown = page(client, path_of(peer))
    for fact in (
        "Online",
        "4 GB of 5 GB",
        "width: 80%",
        "used up",
        "In step: gateway first serves it, since revision 1.",
        "251 MB",
        "10.8.0.2/32 on gateway first",
        "Connected",
        "after 1\xa0hour",
        "opened, and shown once",
        "<canvas",
    ):
        assert fact in shown, fact
    assert "4 GB of 5 GB" in page(client, "/admin/bundles/subscription/")
    subscription = page(client, f"/admin/bundles/subscription/{peer.subscription_id}/change/")
    assert "4 GB of 5 GB" in subscription
    assert f'{path_of(peer)}" class="underline">phone</a>: active, online' in subscription
    revoke_now(peer=peer)
    assert "until then it had 10.8.0.2/32 on gateway first" in page(client, path_of(peer))


def test_a_subscription_without_devices_says_so(peer: Peer) -> None:
    ConfigLink.objects.all().delete()
    Peer.objects.all().delete()
    path = f"/admin/bundles/subscription/{peer.subscription_id}/change/"
    shown = page(staff("view_subscription"), path)
    assert "None yet" in shown
    assert "0 B of 5 GB" in shown


# Verbs


def test_the_configuration_is_sent_again_once(peer: Peer) -> None:
    shown = send(staff("change_peer"), path_of(peer, "resend"), times=2)
    (message,) = resent()
    assert message.to == peer.subscription.customer.phone
    assert "/vpn/c/" in message.text
    assert message.context["link"] not in shown
    entry = LogEntry.objects.first()
    assert entry is not None
    assert "the reason" in entry.change_message
    assert entry.object_id == str(peer.pk)


def test_the_link_that_is_sent_again_is_of_that_device(subscribe: Subscribe) -> None:
    subscription = subscribe(max_connections=2)
    second = generate_config(
        customer=subscription.customer, bundle_id=subscription.bundle_id, device_name="laptop"
    )
    send(staff("change_peer"), path_of(second, "resend"))
    (message,) = resent()
    assert second.links.count() == 1
    assert "/vpn/c/" in message.context["link"]


@pytest.mark.parametrize("why", ["no phone", "ended"])
def test_what_cannot_be_sent_is_told(peer: Peer, why: str) -> None:
    path, client = path_of(peer, "resend"), staff("change_peer")
    if why == "no phone":
        customer = peer.subscription.customer
        customer.phone = None
        customer.save()
    else:
        now = timezone.now()
        Subscription.objects.update(
            starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
        )
    shown = send(client, path)
    assert ("has no phone number" if why == "no phone" else "may not connect") in shown
    assert resent() == []
    assert not LogEntry.objects.exists()


def test_a_device_is_revoked_once(peer: Peer) -> None:
    client, path = staff("change_peer"), path_of(peer, "revoke")
    send(client, path, times=2)
    peer.refresh_from_db()
    assert (peer.state, peer.private_key) == ("revoked", "")
    assert "the reason" in LogEntry.objects.latest("pk").change_message
    for verb in ("revoke", "rotate-keys", "resend", "move"):
        assert path_of(peer, verb) not in page(client, path_of(peer))
    page(client, path, 403)


def test_keys_are_rotated_once(peer: Peer) -> None:
    shown = send(staff("change_peer"), path_of(peer, "rotate-keys"), times=2)
    assert "It has had other keys since you opened this page." in shown
    assert LogEntry.objects.count() == 1
    live = Peer.objects.get(state="active")
    assert live.public_key != peer.public_key
    assert live.address == peer.address
    assert Gateway.objects.get().peers_served == 1
    assert Gateway.objects.get().revision == 2, "changed once"
    assert "the reason" in LogEntry.objects.latest("pk").change_message


@pytest.mark.parametrize(
    ("verb", "permission"), [("rotate-keys", "change_peer"), ("move", "change_gateway")]
)
def test_nothing_is_done_to_a_revoked_device_nor_said(
    peer: Peer, verb: str, permission: str
) -> None:
    another()
    client, body = staff(permission), {"why": "x", "key": "k"}
    seen = {"rotate-keys": peer.public_key, "move": str(peer.gateway_id)}[verb]
    revoke_now(peer=peer)
    answer = client.post(path_of(peer, verb), {**body, "seen": seen})
    assert (
        "This device is revoked or has moved: there is nothing to change."
        in answer.content.decode()
    )
    assert not LogEntry.objects.exists()


def test_a_subscription_is_moved_once_with_its_keys(peer: Peer) -> None:
    first, second = another(), another()
    client = staff("change_gateway")
    shown = send(client, path_of(peer, "move"), times=2)
    assert "This device is revoked or has moved" in shown
    assert LogEntry.objects.count() == 1
    live = Peer.objects.get(state="active")
    assert live.gateway in (first, second)
    assert (live.public_key, live.private_key) == (peer.public_key, peer.private_key)
    send(client, path_of(live, "move"), target=peer.gateway_id)
    assert Peer.objects.get(state="active").gateway == peer.gateway


def test_without_another_gateway_the_move_is_refused(peer: Peer) -> None:
    shown = send(staff("change_gateway"), path_of(peer, "move"))
    assert "No other gateway" in shown
    peer.refresh_from_db()
    assert peer.state == "active"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("verb", "permission", "other"),
    [
        ("resend", "change_peer", "change_gateway"),
        ("revoke", "change_peer", "change_gateway"),
        ("rotate-keys", "change_peer", "change_gateway"),
        ("move", "change_gateway", "change_peer"),
    ],
)
def test_without_the_permission_or_a_reason_nothing_is_done(
    peer: Peer, verb: str, permission: str, other: str
) -> None:
    another()
    before, path = Peer.objects.values().get(), path_of(peer, verb)
    stranger = staff(other)
    assert path not in page(stranger, path_of(peer))
    page(stranger, path, 403)
    assert stranger.post(path, {"why": "x", "key": "k", "seen": "1"}).status_code == 403
    assert "This field is required" in send(staff(permission), path, why="")
    assert Peer.objects.values().get() == before
    assert resent() == []
    assert not LogEntry.objects.exists()


def test_a_payments_story_tells_whether_the_customer_ever_connected(peer: Peer) -> None:
    subject = peer.subscription.activations.get().purchase.subject
    client = staff("view_payment")
    path = f"/admin/payments/payment/{Payment.objects.get(subject=subject).pk}/change/"
    assert "never connected" in page(client, path)
    Peer.objects.update(handshake_at=timezone.now())
    used(peer, up=0, down=3_400_000)
    assert "3.4 MB used" in page(client, path)
