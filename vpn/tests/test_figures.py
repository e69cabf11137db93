"""What people see of what was used, and who may ask who had an address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from bundles.models import Subscription
from payments.tests.factories import a_customer
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import PAGINATION, assert_error, assert_shape, assert_success
from vpn.models import Connection, Gateway, Peer
from vpn.services.forget import CONNECTIONS_KEPT_FOR, forget_old_connections
from vpn.services.revoke import revoke_now
from vpn.tests.reports import counted, tell

Subscribe = Callable[..., Subscription]


@pytest.fixture
def peer(subscribe: Subscribe) -> Peer:
    return subscribe().peers.get()


def read(person: User, path: str) -> Any:
    return assert_success(signed_in(person).get(f"/api/{path}"))


def usage_of(peer: Peer, query: str = "") -> Any:
    return read(peer.subscription.customer, f"analytics/usage{query}")


def connections_of(peer: Peer, query: str = "") -> Any:
    return read(peer.subscription.customer, f"analytics/connections{query}")


def test_who_used_nothing_sees_nothing(peer: Peer) -> None:
    assert usage_of(peer) == {"usage": [], "total_bytes": 0}
    assert connections_of(peer)["connections"] == []


def test_usage_is_shown_by_day(gateway: Gateway, peer: Peer, subscribe: Subscribe) -> None:
    tell(gateway, counted(subscribe().peers.get(), 5, 5))
    tell(gateway, counted(peer, 10, 90))
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        tell(gateway, counted(peer, 15, 100))
        today = timezone.now().astimezone().date()
        shown = usage_of(peer)
        assert shown["total_bytes"] == 115
        assert [(day["bytes"], day["up"], day["down"]) for day in shown["usage"]] == [
            (100, 10, 90),
            (15, 5, 10),
        ]
        dates = [datetime.fromisoformat(day["date"]).date() for day in shown["usage"]]
        assert dates[1] - dates[0] == timedelta(days=1)
        assert abs(dates[1] - today) <= timedelta(days=1)
        assert len(usage_of(peer, "?days=1")["usage"]) == 1


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "1e9"])
def test_a_number_of_days_has_bounds(peer: Peer, days: str) -> None:
    app = signed_in(peer.subscription.customer)
    assert_error(app.get(f"/api/analytics/usage?days={days}"), 400, "validation_error")


def test_connections_are_shown_until_they_end(
    gateway: Gateway, peer: Peer, subscribe: Subscribe
) -> None:
    now = int(timezone.now().timestamp())
    tell(gateway, counted(subscribe().peers.get(), 0, 0, now))
    for handshake in (now - 900, now - 800, now - 10):
        tell(gateway, counted(peer, 0, 0, handshake))
    shown = connections_of(peer)
    assert_shape(shown["pagination"], PAGINATION)
    latest, first = shown["connections"]
    assert latest["config_id"] == first["config_id"] == peer.pk
    assert latest["device_name"] == "phone"
    assert latest["ended_at"] is None
    assert datetime.fromisoformat(first["ended_at"]) == datetime.fromtimestamp(now - 800, UTC)
    assert len(connections_of(peer, "?page=2&limit=1")["connections"]) == 1


def test_the_status_is_true_now(gateway: Gateway, peer: Peer, subscribe: Subscribe) -> None:
    now = int(timezone.now().timestamp())
    other = subscribe().peers.get()
    tell(gateway, counted(peer, 3, 4, now - 10), counted(other, 100, 100, now - 200))
    owner, staff = peer.subscription.bundle.owner, a_customer()
    User.objects.filter(pk=owner.pk).update(role=User.Role.OWNER)
    User.objects.filter(pk=staff.pk).update(role=User.Role.STAFF)
    owner.refresh_from_db()
    staff.refresh_from_db()
    for person, figures in ((owner, (1, 7, 1)), (staff, (1, 207, 2))):
        status = read(person, "vpn/status")["status"]
        assert figures == (
            status["active_connections"],
            status["total_data_transferred"],
            status["configured_devices"],
        )


def test_the_app_sees_what_is_used(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 1, peer.subscription.data_limit_bytes))
    (shown,) = read(peer.subscription.customer, "users/subscriptions")["subscriptions"]
    assert shown["data_used_bytes"] == shown["data_limit_bytes"] + 1
    assert shown["used_up_at"]
    assert shown["is_active"]


# --- Privacy ---


def who_had(address: str, moment: datetime) -> str:
    output = StringIO()
    call_command("who_had_address", address, moment.isoformat(), stdout=output)
    return output.getvalue()


def test_who_had_an_address_is_told_for_each_time(peer: Peer, subscribe: Subscribe) -> None:
    made_at = peer.created_at
    customer = peer.subscription.customer
    revoke_now(peer=peer)
    peer.refresh_from_db()
    told = who_had("10.8.0.2", made_at)
    assert f"peer {peer.pk}," in told
    assert f"subscription {peer.subscription_id}," in told
    assert f"customer {customer.pk} {customer.full_name}, {customer.phone}" in told
    assert f"until {peer.revoked_at:%Y-%m-%d %H:%M:%S} UTC" in told
    for moment in (made_at - timedelta(seconds=2), timezone.now() + timedelta(seconds=2)):
        assert who_had("10.8.0.2", moment) == "Nobody had 10.8.0.2 then.\n"
    subscribe()
    assert "until now" in who_had("10.8.0.3", timezone.now())


def test_an_address_of_no_gateway_was_nobodys(peer: Peer) -> None:
    assert "Nobody" in who_had("192.0.2.1", timezone.now())
    assert "Nobody" in who_had("2001:db8::1", timezone.now())


def test_an_ipv6_address_is_found_too(peer: Peer) -> None:
    Gateway.objects.update(range6="fd00:8::/64")
    assert f"peer {peer.pk}," in who_had("fd00:8::2", timezone.now())


@pytest.mark.parametrize(
    ("address", "moment"), [("10.8.0", "2026-01-01T00:00:00Z"), ("10.8.0.2", "yesterday")]
)
def test_what_is_no_address_or_time_is_refused(address: str, moment: str) -> None:
    with pytest.raises(CommandError):
        call_command("who_had_address", address, moment)


def test_a_time_without_zone_is_one_in_dar_es_salaam(peer: Peer) -> None:
    local = peer.created_at + timedelta(hours=3, minutes=1)
    with time_machine.travel(peer.created_at + timedelta(minutes=2)):
        assert f"peer {peer.pk}," in who_had("10.8.0.2", local.replace(tzinfo=None))


def test_old_connections_are_forgotten(gateway: Gateway, peer: Peer) -> None:
    now = timezone.now()
    for age in (timedelta(days=1), timedelta(seconds=-5), timedelta()):
        ended = now - CONNECTIONS_KEPT_FOR - age
        Connection.objects.create(peer=peer, started_at=ended - timedelta(hours=1), seen_at=ended)
    assert forget_old_connections() == 2
    assert Connection.objects.count() == 1
