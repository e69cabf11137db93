"""Reports, purchases and new devices at the same time: all counted once, and nobody gives way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bundles.models import GIGABYTE, Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.models import MobileMoneyTransaction
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer
from tests.at_once import at_once
from vpn.agent_api.report import read_report
from vpn.invariants import INVARIANTS
from vpn.models import Gateway, Peer, Usage
from vpn.services.generate import generate_config
from vpn.services.report import take_report
from vpn.tests.factories import first_gateway
from vpn.tests.reports import a_report, counted

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

CUSTOMERS = 4


@pytest.fixture
def gateway(db: None) -> Gateway:
    return first_gateway()


@pytest.fixture
def peers(gateway: Gateway) -> list[Peer]:
    bundle = a_bundle(max_connections=3)
    for _ in range(CUSTOMERS):
        pay(a_customer(), bundle)
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    return list(Peer.objects.order_by("id"))


def report(gateway: Gateway, peers: list[Peer], sequence: int) -> Callable[[], Any]:
    """Each of them has had a million bytes since the report before, and shakes hands each time."""
    now = int(timezone.now().timestamp()) - 100
    counters = [counted(peer, 0, sequence * 10**6, now + sequence) for peer in reversed(peers)]
    told = read_report(a_report(gateway, *counters, sequence=sequence))
    return partial(take_report, gateway_id=gateway.pk, report=told)


def test_what_passes_is_counted_once(
    gateway: Gateway, peers: list[Peer], caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Callable[[], Any]] = []
    for sequence in (1, 2, 3):
        calls += [report(gateway, peers, sequence)] * 2
    for peer in peers:
        of = peer.subscription
        calls.append(partial(pay, of.customer, of.bundle))
        calls.append(
            partial(
                generate_config, customer=of.customer, bundle_id=of.bundle_id, device_name="laptop"
            )
        )
    ended = at_once(calls)

    assert ended.errors == []
    assert "take_report is retried" not in caplog.text
    for subscription in Subscription.objects.all():
        assert subscription.data_used_bytes == 3 * 10**6
        assert subscription.data_limit_bytes == 10 * GIGABYTE
    assert Usage.objects.count() == CUSTOMERS
    assert Peer.objects.count() == 2 * CUSTOMERS
    for invariant in INVARIANTS:
        assert list(invariant.find()) == [], invariant.name
