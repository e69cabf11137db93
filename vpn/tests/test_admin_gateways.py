"""Staff see how gateways do and decide about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from cases.services import open_case
from common.clock import business_day
from payments.tests.factories import a_customer
from vpn.keys import new_key_pair
from vpn.models import Address, Gateway, Peer, Usage
from vpn.services.revoke import revoke_now
from vpn.tests.pages import listed, page, send, staff

Subscribe = Callable[..., Subscription]

LIST = "/admin/vpn/gateway/"


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    """Heard just now, and in step."""
    Gateway.objects.update(
        seen_at=timezone.now(),
        agent_version="1.0",
        agent_backend="wireguard",
        agent_sequence=1,
        region="dar",
    )
    in_step()
    return Gateway.objects.get()


def in_step() -> None:
    for row in Gateway.objects.all():
        row.agent_revision, row.agent_digest = row.revision, row.digest
        row.save(update_fields=["agent_revision", "agent_digest"])


def another(**changes: Any) -> Gateway:
    number = Gateway.objects.count()
    values: dict[str, Any] = {
        "name": f"dar-{number}",
        "endpoint_host": f"dar-{number}.example.test",
        "endpoint_port": 51820,
        "range4": f"10.{20 + number}.0.0/16",
        "public_key": new_key_pair().public,
        **changes,
    }
    return Gateway.objects.create(**values)


def path_of(gateway: Gateway, verb: str = "change") -> str:
    return f"{LIST}{gateway.pk}/{verb}/"


def used(peer: Peer, up: int, down: int, days_ago: int = 0, epoch: str = "e1") -> None:
    Usage.objects.create(
        peer=peer,
        subscription=peer.subscription,
        epoch=epoch,
        day=business_day(timezone.now()) - timedelta(days=days_ago),
        up_from=100,
        up_to=100 + up,
        down_from=0,
        down_to=down,
    )


# How it does


@pytest.mark.parametrize(
    ("changes", "health", "fact"),
    [
        ({}, "heard", "In step: it serves our revision 0."),
        ({"agent_sequence": 0}, "heard", "has not reported since"),
        (
            {"agent_sequence": 0, "seen_at": timezone.now() - timedelta(hours=3)},
            "silent",
            "has not reported since",
        ),
        ({"seen_at": timezone.now() - timedelta(hours=3)}, "silent", "Silent since"),
        ({"revision": 7}, "behind", "it serves revision 0 of 7"),
        ({"digest": "f" * 64}, "behind", "what it serves is not our revision 0"),
        ({"revision": 7, "refused_revision": 7}, "refuses", "It refused revision 7"),
        ({"public_key": None, "seen_at": None}, "not_enrolled", "No agent has enrolled"),
    ],
)
def test_the_health_of_a_gateway_is_a_word_a_filter_and_facts(
    gateway: Gateway, changes: dict[str, Any], health: str, fact: str
) -> None:
    client = staff()
    Gateway.objects.update(**changes)
    for name in ("heard", "silent", "behind", "refuses", "not_enrolled"):
        assert listed(client, LIST, health=name) == ([gateway] if name == health else []), name
    assert fact in page(client, path_of(gateway))


def test_a_gateway_without_traffic_says_so(gateway: Gateway) -> None:
    shown = page(staff(), path_of(gateway))
    assert "Nothing has passed in the last 30 days." in shown
    assert "<canvas" not in shown
    assert "0 used, 0 resting, 65,533 left" in shown


def test_a_gateways_page_sums_its_traffic_and_counts_its_addresses(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    first, second, rested = (subscribe().peers.get() for _ in range(3))
    used(first, up=1_000_000, down=2_000_000)
    used(first, up=0, down=500_000, epoch="e2")
    used(second, up=0, down=7_000_000, days_ago=29)
    used(second, up=0, down=90_000_000, days_ago=30)
    revoke_now(peer=second)
    revoke_now(peer=rested)
    Address.objects.filter(pk=rested.address_id).update(free_at=timezone.now())
    open_case(kind="unlisted_answer", subject=f"gateway:{gateway.pk}", detail="jumped by petabytes")
    shown = page(staff(), path_of(gateway))
    assert "Today 3.5 MB, in 30 days 10.5 MB" in shown
    assert "1 used, 1 resting, 65,531 left" in shown
    assert "1 of 10,000" in shown
    assert "jumped by petabytes" in shown
    assert 'data-type="bar"' in shown


def test_the_list_costs_the_same_whatever_it_shows(
    gateway: Gateway, subscribe: Subscribe, django_assert_max_num_queries: Any
) -> None:
    client = staff()
    for _ in range(6):
        another(owner=a_customer())
    subscribe()
    with django_assert_max_num_queries(10):
        assert len(listed(client, LIST)) == 7
    with django_assert_max_num_queries(18):
        page(client, path_of(gateway))


def test_no_page_shows_a_secret(gateway: Gateway, subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    Gateway.objects.update(token_hash="a" * 64, secret_hash="b" * 64)
    client = staff("change_gateway", "change_peer")
    shown = page(client, path_of(gateway)) + page(client, f"/admin/vpn/peer/{peer.pk}/change/")
    for secret in (peer.private_key, peer.preshared_key, "a" * 64, "b" * 64):
        assert secret not in shown


# Making and changing one


GOOD = {
    "name": "mwanza-1",
    "endpoint_host": "MWZ.example.test",
    "endpoint_port": "51820",
    "range4": "10.30.0.0/16",
    "range6": "fd00:30::/64",
    "dns": "10.30.0.1,fd00:30::1",
    "region": "mwanza",
    "capacity": "5000",
}


def test_a_gateway_is_added(gateway: Gateway) -> None:
    client, bundle = staff("add_gateway", "view_bundle", "view_user"), a_bundle()
    answer = client.post(f"{LIST}add/", {**GOOD, "bundles": [bundle.pk]})
    assert answer.status_code == 302
    made = Gateway.objects.get(name="mwanza-1")
    assert (made.state, made.public_key, made.endpoint_host) == ("active", None, "mwz.example.test")
    assert made.dns == "10.30.0.1, fd00:30::1"
    assert list(made.bundles.all()) == [bundle]


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("range4", "10.30.0.1/16", "has host bits set"),
        ("range4", "ten", "This is no network"),
        ("range4", "fd00::/64", "Write an IPv4 network"),
        ("range4", "10.30.0.0/30", "too small"),
        ("range4", "8.8.0.0/16", "Take a network of"),
        ("range4", "10.8.4.0/24", "It overlaps with 10.8.0.0/16 of first."),
        ("range6", "10.40.0.0/16", "Write an IPv6 network"),
        ("range6", "fe80::/64", "Take a network of"),
        ("range6", "fd00:8::/48", "It overlaps with fd00:8::/64 of first."),
        ("range6", "fd00:30::/120", "fewer addresses"),
        ("endpoint_host", "vpn.example.test:51820", "without a port"),
        ("endpoint_host", "two words", "Write a host name"),
        ("endpoint_host", "127.0.0.1", "first has this endpoint."),
        ("endpoint_port", "0", "between 1 and 65535"),
        ("endpoint_port", "70000", "between 1 and 65535"),
        ("dns", "the usual", "Write addresses"),
        ("capacity", "0", "room for 1 to 65,533 devices"),
        ("capacity", "65534", "room for 1 to 65,533 devices"),
        ("name", "first", "already exists"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    gateway: Gateway, field: str, typed: str, told: str
) -> None:
    Gateway.objects.update(range6="fd00:8::/64")
    answer: Any = staff("add_gateway").post(f"{LIST}add/", {**GOOD, field: typed})
    assert told in " ".join(answer.context["adminform"].form.errors[field])
    assert Gateway.objects.count() == 1


def test_ranges_are_fixed_once_customers_have_addresses(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    client = staff("change_gateway")
    answers = {**GOOD, "name": "first"}
    assert client.post(path_of(gateway), answers).status_code == 302
    assert Gateway.objects.get().range4 == "10.30.0.0/16"
    subscribe()
    changed = {**answers, "range4": "10.31.0.0/16", "capacity": "9"}
    assert client.post(path_of(gateway), changed).status_code == 302
    assert (Gateway.objects.get().range4, Gateway.objects.get().capacity) == ("10.30.0.0/16", 9)


def test_a_change_loses_nothing_and_the_agent_hears_of_another_port(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscribe()
    before = Gateway.objects.get()
    client = staff("change_gateway")
    answers = {**GOOD, "name": "first", "region": "tanga"}
    client.post(path_of(gateway), {**answers, "endpoint_port": before.endpoint_port})
    same_port = Gateway.objects.get()
    assert (same_port.region, same_port.revision) == ("tanga", before.revision)
    client.post(path_of(gateway), {**answers, "endpoint_port": "443"})
    after = Gateway.objects.get()
    assert (after.endpoint_port, after.revision) == (443, before.revision + 1)
    for column in ("digest", "peers_served", "next_number", "public_key", "seen_at"):
        assert getattr(after, column) == getattr(before, column), column


def test_the_filters_name_owners_of_gateways_alone(gateway: Gateway) -> None:
    owner, nobody = a_customer(), a_customer()
    another(owner=owner)
    shown = page(staff(), LIST)
    assert owner.full_name in shown
    assert nobody.full_name not in shown


# Verbs


def test_an_enrolment_token_is_shown_once_and_logged_without_it(gateway: Gateway) -> None:
    client = staff("change_gateway")
    shown = send(client, path_of(gateway, "new-token"))
    gateway.refresh_from_db()
    assert gateway.token_expires_at is not None
    token = shown.partition("vpn.agent enrol -- ")[2].partition("<")[0]
    assert len(token) > 20
    assert token not in gateway.token_hash
    assert token not in page(client, path_of(gateway))
    entry = LogEntry.objects.get()
    assert "the reason" in entry.change_message
    assert token not in entry.change_message


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [
        ("active", "drain", "draining"),
        ("offline", "drain", "draining"),
        ("draining", "put-in-service", "active"),
        ("draining", "take-out-of-service", "offline"),
    ],
)
def test_the_state_is_changed_with_a_reason_once(
    gateway: Gateway, before: str, verb: str, after: str
) -> None:
    client = staff("change_gateway")
    Gateway.objects.update(state=before)
    path = path_of(gateway, verb)
    assert path in page(client, path_of(gateway))
    send(client, path, times=2)
    gateway.refresh_from_db()
    assert gateway.state == after
    assert path not in page(client, path_of(gateway))
    page(client, path, 403)
    assert "the reason" in LogEntry.objects.latest("pk").change_message


def test_all_customers_move_to_the_gateway_that_is_chosen(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    client, target = staff("change_gateway"), another()
    another(), another(state="draining"), another(public_key=None)
    for _ in range(3):
        subscribe()
    path = path_of(gateway, "move-customers")
    form = page(client, path)
    assert [other for other in Gateway.objects.all() if f'<option value="{other.pk}"' in form] == [
        target,
        Gateway.objects.get(name="dar-2"),
    ]
    send(client, path, times=2, target=target.pk)
    live = Peer.objects.filter(state="active")
    assert [peer.gateway for peer in live] == [target] * 3
    assert "the reason" in LogEntry.objects.latest("pk").change_message


def test_customers_that_find_no_place_stay(gateway: Gateway, subscribe: Subscribe) -> None:
    peer = subscribe().peers.get()
    send(staff("change_gateway"), path_of(gateway, "move-customers"))
    peer.refresh_from_db()
    assert (peer.state, peer.gateway) == ("active", gateway)


def test_a_gateway_without_customers_has_nobody_to_move(gateway: Gateway) -> None:
    client = staff("change_gateway")
    assert path_of(gateway, "move-customers") not in page(client, path_of(gateway))


def test_a_refused_state_is_allowed_for_ten_minutes(gateway: Gateway) -> None:
    client, path = staff("change_gateway"), path_of(gateway, "allow-shrink")
    page(client, path, 403)
    Gateway.objects.update(refused_revision=9, revision=9)
    send(client, path)
    gateway.refresh_from_db()
    assert gateway.may_shrink_until is not None
    left = gateway.may_shrink_until - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    assert "It may remove devices until" in page(client, path_of(gateway))


@pytest.mark.parametrize(
    "verb",
    [
        "new-token",
        "drain",
        "put-in-service",
        "take-out-of-service",
        "move-customers",
        "allow-shrink",
    ],
)
def test_without_the_permission_or_a_reason_nothing_is_done(
    gateway: Gateway, subscribe: Subscribe, verb: str
) -> None:
    subscribe()
    another()
    Gateway.objects.filter(pk=gateway.pk).update(
        refused_revision=9, state="offline" if verb == "put-in-service" else "active"
    )
    before = list(Gateway.objects.order_by("pk").values())
    path = path_of(gateway, verb)
    support = staff("change_peer")
    assert path not in page(support, path_of(gateway))
    page(support, path, 403)
    assert support.post(path, {"why": "x", "key": "k"}).status_code == 403
    assert "This field is required" in send(staff("change_gateway"), path, why=" ")
    assert list(Gateway.objects.order_by("pk").values()) == before
    assert not LogEntry.objects.exists()
