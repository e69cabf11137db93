"""What gateways' agents report is counted once, and only what can be."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from bundles.models import GIGABYTE, LAST_PACKET_BYTES, Subscription
from bundles.services.earn import release_earnings
from bundles.services.end import end_overdue_subscriptions
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from cases.models import Case, CaseKind
from payments import ledger
from payments.models import MobileMoneyTransaction
from vpn.agent_api.report import BODY_BYTES_MAX
from vpn.models import Connection, Gateway, Peer, Usage
from vpn.services.generate import generate_config
from vpn.services.health import watch_gateways
from vpn.services.publish import served
from vpn.services.revoke import revoke_now
from vpn.tests.agents import Agent
from vpn.tests.reports import a_report, counted, tell

Subscribe = Callable[..., Subscription]


@pytest.fixture
def peer(subscribe: Subscribe) -> Peer:
    return subscribe().peers.get()


def used(peer: Peer) -> int:
    return Subscription.objects.get(pk=peer.subscription_id).data_used_bytes


def faults() -> str:
    return "\n".join(
        Case.objects.filter(kind=CaseKind.COUNTER_FAULT).values_list("detail", flat=True)
    )


def post(gateway: Gateway, report: Any, **headers: str) -> Any:
    secret = f"{gateway.pk}.something"
    Gateway.objects.filter(pk=gateway.pk).update(
        secret_hash=hashlib.sha256(secret.encode()).hexdigest()
    )
    body = report if isinstance(report, bytes) else json.dumps(report).encode()
    return Client().post(
        "/agent/v1/report",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", **headers},
    )


def test_what_passed_is_counted_once(gateway: Gateway, peer: Peer) -> None:
    report = a_report(gateway, counted(peer, 100, 900))
    for _ in range(2):
        response = post(gateway, report)
        assert response.json() == {"sequence": 1, "unknown": []}
    assert used(peer) == 1000
    tell(gateway, counted(peer, 150, 900))
    assert used(peer) == 1050
    assert Usage.objects.count() == 1
    assert faults() == ""


def test_a_gzipped_report_is_read(gateway: Gateway, peer: Peer) -> None:
    body = gzip.compress(json.dumps(a_report(gateway, counted(peer, 1, 2))).encode())
    assert post(gateway, body, **{"Content-Encoding": "gzip"}).status_code == 200
    assert used(peer) == 3


def test_a_report_of_many_counters_is_not_too_large(gateway: Gateway, peer: Peer) -> None:
    strangers = [[10**9 + n, 10**9, 2**62, 2**62, 2**40] for n in range(10_000)]
    response = post(gateway, a_report(gateway, counted(peer, 1, 2), *strangers))
    assert len(response.json()["unknown"]) == 10_000
    assert used(peer) == 3


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer 1.wrong", "Bearer x.y", "1.x"])
def test_who_has_no_secret_reports_nothing(
    gateway: Gateway, peer: Peer, authorization: str
) -> None:
    response = Client().post(
        "/agent/v1/report",
        a_report(gateway, counted(peer, 1, 2)),
        content_type="application/json",
        headers={"Authorization": authorization},
    )
    assert (response.status_code, response.json()["code"]) == (401, "gateway_unknown")
    assert used(peer) == 0


MALFORMED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b"[" * 100_000,
    b'{"at": NaN}',
    b" " * (BODY_BYTES_MAX + 1),
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_report_changes_nothing(gateway: Gateway, body: bytes) -> None:
    response = post(gateway, body)
    assert (response.status_code, response.json()["code"]) == (400, "no_report")
    gateway.refresh_from_db()
    assert gateway.seen_at is None


@pytest.mark.parametrize("packed", [b"no gzip", gzip.compress(b" " * (BODY_BYTES_MAX + 2))])
def test_what_does_not_unpack_to_a_report_is_refused(gateway: Gateway, packed: bytes) -> None:
    assert post(gateway, packed, **{"Content-Encoding": "gzip"}).status_code == 400


@pytest.mark.parametrize(
    "number", [-1, 2**63, 2**64, 10**40, 1.0, 1.5, "1", None, True, [1], float("nan"), float("inf")]
)
@pytest.mark.parametrize("place", range(5))
def test_a_counter_of_what_is_no_number_changes_nothing(
    gateway: Gateway, peer: Peer, place: int, number: Any
) -> None:
    counter: list[Any] = counted(peer, 1, 2, 3)
    counter[place] = number
    response = post(gateway, a_report(gateway, [peer.pk, 0, 0, 0, 0], counter))
    assert response.status_code == 400
    assert used(peer) == 0
    assert not Usage.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"counters": {}},
        {"counters": [[1, 2, 3]]},
        {"counters": [[1, 2, 3, 4, 5], [1, 2, 3, 4, 6]]},
        {"epoch": ""},
        {"epoch": "x" * 65},
        {"epoch": "a b"},
        {"epoch": 7},
        {"sequence": -1},
        {"sequence": "1"},
        {"at": 1.5},
        {"at": 2**63},
        {"revision": None},
        {"digest": "0" * 63},
        {"digest": "G" * 64},
        {"health": None},
        {"health": {"version": "x" * 21, "backend": "", "peers": 0, "repairs": 0}},
        {"health": {"version": "", "backend": "", "peers": -1, "repairs": 0}},
    ],
)
def test_what_is_malformed_is_named(gateway: Gateway, peer: Peer, changes: dict[str, Any]) -> None:
    response = post(gateway, a_report(gateway, counted(peer, 1, 2)) | changes)
    field = "peers" if "peers" in str(changes) and "x" not in str(changes) else next(iter(changes))
    assert (response.status_code, response.json()["code"]) == (400, "no_report")
    assert response.json()["message"].partition(":")[0].partition("[")[0] in (field, "version")
    assert not Usage.objects.exists()


def test_a_late_report_changes_nothing(gateway: Gateway, peer: Peer) -> None:
    early = a_report(gateway, counted(peer, 10, 10))
    tell(gateway, counted(peer, 100, 100), sequence=7)
    assert post(gateway, early).status_code == 200
    assert used(peer) == 200
    assert faults() == ""
    gateway.refresh_from_db()
    assert gateway.agent_sequence == 7


def test_a_counter_that_runs_backwards_is_not_believed(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 100, 100))
    tell(gateway, counted(peer, 150, 50))
    assert used(peer) == 200
    assert f"peer {peer.pk} counts 150 and 50 bytes" in faults()
    tell(gateway, counted(peer, 150, 101))
    assert used(peer) == 251


def test_growth_that_no_line_carries_is_not_believed(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 100, 100))
    for petabytes in (2**62, 2**62 + 5):
        tell(gateway, counted(peer, 100, petabytes))
        assert used(peer) == 200
    assert f"peer {peer.pk}" in faults()
    with time_machine.travel(timezone.now() + timedelta(days=300)):
        tell(gateway, counted(peer, 100, 10**15))
    assert used(peer) == 200


def test_much_after_a_silence_is_believed(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 100, 100))
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        tell(gateway, counted(peer, 100, 60 * 10**9))
    assert used(peer) == 60 * 10**9 + 100
    assert faults() == ""


def test_a_new_epoch_adds_to_what_was_used(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 100, 100))
    tell(gateway, counted(peer, 30, 0), epoch="e2")
    assert used(peer) == 230


def test_a_day_begins_at_midnight_in_dar_es_salaam(gateway: Gateway, peer: Peer) -> None:
    for moment, bytes_so_far in (
        ("2026-11-25T20:59:30+00:00", 100),
        ("2026-11-25T21:00:30+00:00", 250),
    ):
        with time_machine.travel(datetime.fromisoformat(moment), tick=False):
            tell(gateway, counted(peer, 0, bytes_so_far))
    days = {row.day: row.used for row in Usage.objects.all()}
    assert days == {date(2026, 11, 25): 100, date(2026, 11, 26): 150}
    assert used(peer) == 250


def test_a_report_that_comes_after_midnight_does_not_count_again(
    gateway: Gateway, peer: Peer
) -> None:
    with time_machine.travel(datetime.fromisoformat("2026-11-25T20:58:00+00:00"), tick=False):
        tell(gateway, counted(peer, 0, 100))
        late = a_report(gateway, counted(peer, 0, 150))
    with time_machine.travel(datetime.fromisoformat("2026-11-25T21:00:10+00:00"), tick=False):
        tell(gateway, counted(peer, 0, 250), sequence=9)
        post(gateway, late)
    assert used(peer) == 250
    assert sum(row.used for row in Usage.objects.all()) == 250


def test_a_clock_that_is_wrong_is_not_believed(gateway: Gateway, peer: Peer) -> None:
    for clock in (0, 2**62):
        tell(gateway, counted(peer, 0, clock % 7 + 1, clock), at=clock)
    assert Usage.objects.get().seen_at - timezone.now() < timedelta(seconds=5)
    peer.refresh_from_db()
    assert peer.handshake_at is not None
    assert peer.handshake_at <= timezone.now()


def test_somebody_elses_peers_are_named_and_not_counted(
    gateway: Gateway, peer: Peer, subscribe: Subscribe
) -> None:
    other = Gateway.objects.create(name="other", endpoint_port=1, range4="10.9.0.0/24")
    assert tell(other, counted(peer, 5, 5), [999_999, 1, 1, 1, 1]) == [peer.pk, 999_999]
    assert used(peer) == 0
    assert "not this gateway's" in faults()
    stranger = subscribe()
    assert tell(gateway, [peer.pk, stranger.pk, 5, 5, 0], [peer.pk, 999_999, 5, 5, 0]) == []
    stranger.refresh_from_db()
    assert stranger.data_used_bytes == 0
    assert not Usage.objects.exists()


def test_what_was_used_before_a_renewal_counts_for_what_was_renewed(
    gateway: Gateway, peer: Peer
) -> None:
    ended = peer.subscription
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        end_overdue_subscriptions()
        pay(ended.customer, ended.bundle)
        renewed = Subscription.objects.latest("id")
        Peer.objects.filter(pk=peer.pk).update(subscription=renewed)
        tell(gateway, [peer.pk, ended.pk, 7, 7, 0], [peer.pk, renewed.pk, 1, 1, 0])
    assert list(Subscription.objects.values_list("data_used_bytes", flat=True)) == [14, 2]
    assert faults() == ""


def test_devices_share_an_allowance(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe(max_connections=2)
    phone = subscription.peers.get()
    laptop = generate_config(
        customer=subscription.customer, bundle_id=subscription.bundle_id, device_name="laptop"
    )
    tell(gateway, counted(phone, 1, 1), counted(laptop, 2, 2))
    assert used(phone) == 6


def test_the_sum_heals_itself(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 1, 1))
    Subscription.objects.update(data_used_bytes=10**9)
    tell(gateway, counted(peer, 1, 2))
    assert used(peer) == 3


def test_a_report_without_news_writes_nothing(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 0, 0))
    assert not Usage.objects.exists()
    tell(gateway)
    gateway.refresh_from_db()
    assert gateway.is_heard


# --- Connections ---


def test_handshakes_close_to_each_other_are_one_connection(gateway: Gateway, peer: Peer) -> None:
    began = int(timezone.now().timestamp()) - 1000
    for after in (0, 120, 120, 240, 700, 0):
        tell(gateway, counted(peer, after, 0, began + after))
    spans = [
        (int(row.started_at.timestamp()) - began, int(row.seen_at.timestamp()) - began)
        for row in Connection.objects.order_by("started_at")
    ]
    assert spans == [(0, 240), (700, 700)]
    peer.refresh_from_db()
    assert peer.handshake_at is not None
    assert int(peer.handshake_at.timestamp()) == began + 700


# --- Health ---


def trouble() -> list[str]:
    open_cases = Case.objects.filter(kind=CaseKind.GATEWAY_TROUBLE, state=Case.State.OPEN)
    return list(open_cases.values_list("detail", flat=True))


def test_what_the_agent_tells_of_itself_is_kept(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, sequence=5)
    gateway.refresh_from_db()
    assert (gateway.agent_sequence, gateway.agent_epoch) == (5, "e1")
    assert (gateway.agent_revision, gateway.agent_digest) == (gateway.revision, gateway.digest)
    assert (gateway.agent_version, gateway.agent_backend) == ("1.0", "wireguard")
    tell(gateway, sequence=4, epoch="e0")
    gateway.refresh_from_db()
    assert (gateway.agent_sequence, gateway.agent_epoch) == (5, "e1")


def test_a_state_that_differs_three_reports_long_is_a_case_until_it_is_right(
    gateway: Gateway, peer: Peer
) -> None:
    for expected in (0, 0, 1, 1):
        tell(gateway, digest="1" * 64)
        assert len(trouble()) == expected
    tell(gateway, digest="1" * 64, revision=0)
    assert len(trouble()) == 1, "at another revision nothing is known"
    tell(gateway)
    assert trouble() == []


def test_a_refused_state_is_a_case_until_it_is_taken(gateway: Gateway, peer: Peer) -> None:
    health = a_report(gateway)["health"]
    tell(gateway, health=health | {"refused_revision": 1})
    assert "refuses revision 1" in trouble()[0]
    tell(gateway)
    assert trouble() == []


def test_silence_is_a_case_until_the_gateway_is_heard(gateway: Gateway, peer: Peer) -> None:
    tell(gateway)
    assert watch_gateways() == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        for _ in range(2):
            assert watch_gateways() == 1
        assert len(trouble()) == 1
        tell(gateway)
    assert trouble() == []


def test_an_agent_that_enrols_and_never_reports_is_silent(gateway: Gateway, peer: Peer) -> None:
    Agent(gateway)
    assert watch_gateways() == 0
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        assert watch_gateways() == 1
        assert "Nothing was heard since" in trouble()[0]
        Agent(gateway)
        assert watch_gateways() == 0
        assert len(trouble()) == 1, "to enrol is not to report"
        tell(gateway)
    assert trouble() == []


def test_an_idle_gateway_may_be_silent(gateway: Gateway, peer: Peer) -> None:
    tell(gateway)
    revoke_now(peer=peer)
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        assert watch_gateways() == 0


# --- What is published again ---


def revision(gateway: Gateway) -> int:
    return Gateway.objects.values_list("revision", flat=True).get(pk=gateway.pk)


def test_bytes_of_an_epoch_that_is_over_are_made_known(gateway: Gateway, peer: Peer) -> None:
    tell(gateway, counted(peer, 1, 1), sequence=1)
    before = revision(gateway)
    tell(gateway, counted(peer, 2, 2), sequence=2)
    assert revision(gateway) == before
    tell(gateway, counted(peer, 1, 1), epoch="e2", sequence=4)
    assert revision(gateway) == before + 1, "it may have asked before it told of the last"
    tell(gateway, counted(peer, 9, 9), sequence=3)
    assert used(peer) == 20
    assert revision(gateway) == before + 2
    tell(gateway, counted(peer, 9, 9), sequence=3)
    assert revision(gateway) == before + 2, "told twice is no news"


def test_bytes_of_a_gateway_that_was_left_are_made_known(
    gateway: Gateway, peer: Peer, subscribe: Subscribe
) -> None:
    revoke_now(peer=peer)
    other = Gateway.objects.create(name="other", endpoint_port=1, range4="10.9.0.0/24")
    moved = subscribe().peers.get()
    Peer.objects.filter(pk=moved.pk).update(subscription=peer.subscription, gateway=other)
    before = revision(other)
    tell(gateway, counted(peer, 3, 3))
    assert used(peer) == 6
    assert revision(other) == before + 1


# --- Use and end ---


def test_what_is_used_up_is_earned_and_goes_on_after_a_top_up(gateway: Gateway, peer: Peer) -> None:
    subscription = peer.subscription
    assert release_earnings() == 0
    left = subscription.data_limit_bytes - LAST_PACKET_BYTES
    tell(gateway, counted(peer, 0, left))
    assert Subscription.objects.get().used_up_at is None
    tell(gateway, counted(peer, 0, left + 1))
    subscription.refresh_from_db()
    noted = subscription.used_up_at
    assert noted is not None
    assert subscription.is_active
    tell(gateway, counted(peer, 10, subscription.data_limit_bytes))
    subscription.refresh_from_db()
    assert subscription.used_up_at == noted
    assert release_earnings() == 1
    assert ledger.balance(f"earnings:{subscription.bundle.owner_id}") == -900
    before = revision(gateway)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(subscription.customer, subscription.bundle)
    assert Subscription.objects.get().used_up_at is None
    assert revision(gateway) == before + 1
    same = Peer.objects.get()
    assert same == peer
    assert served(same)["limit_bytes"] == 10 * GIGABYTE


def test_days_may_begin_with_the_first_connection(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe(starts_on_first_use=True)
    peer = subscription.peers.get()
    assert subscription.awaits_first_use
    assert subscription.ends_at - subscription.starts_at == timedelta(days=31)
    before = revision(gateway)
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        tell(gateway, counted(peer, 0, 0))
        tell(gateway, counted(peer, 0, 0, int(subscription.starts_at.timestamp()) - 60))
        assert Subscription.objects.get().awaits_first_use
        tell(gateway, counted(peer, 0, 0, first := int(timezone.now().timestamp())))
        begun = Subscription.objects.get()
        assert not begun.awaits_first_use
        assert int(begun.ends_at.timestamp()) == first + 24 * 60 * 60
        assert revision(gateway) == before + 1
        tell(gateway, counted(peer, 0, 0, first + 1))
    assert Subscription.objects.get().ends_at == begun.ends_at
    assert revision(gateway) == before + 1


def test_what_is_bought_before_the_first_connection_adds_its_days(
    gateway: Gateway, subscribe: Subscribe
) -> None:
    subscription = subscribe(starts_on_first_use=True, duration_days=2)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(subscription.customer, subscription.bundle)
    subscription.refresh_from_db()
    assert subscription.ends_at - subscription.starts_at == timedelta(days=34)
    now = int(timezone.now().timestamp()) + 1
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        tell(gateway, counted(subscription.peers.get(), 0, 0, now))
    subscription.refresh_from_db()
    assert subscription.ends_at - subscription.starts_at == timedelta(days=4)


def test_what_is_never_used_ends_after_its_keeping(subscribe: Subscribe) -> None:
    subscribe(starts_on_first_use=True)
    with time_machine.travel(timezone.now() + timedelta(days=32)):
        assert end_overdue_subscriptions() == 1


def test_a_bundle_that_begins_at_once_does(subscribe: Subscribe) -> None:
    assert a_bundle().starts_on_first_use is False
    assert not subscribe().awaits_first_use
