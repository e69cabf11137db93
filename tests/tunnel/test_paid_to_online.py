"""From the app's button to a site behind the tunnel, with everything real but the providers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from bundles.models import Subscription
from cases.models import Case, CaseKind
from notifications.models import Message
from payments.models import WebhookDelivery
from tests.person import Person
from tests.simulator import PAYS, PROVIDERS, Simulator, special
from tests.system import System
from tests.tunnel.gateway import PORT, Gateway
from tests.tunnel.internet import (
    CUT_SECONDS,
    OTHER_GATEWAY,
    PATIENCE_SECONDS,
    Customer,
    Internet,
)
from tests.tunnel.lossy import LossyWay
from tests.waiting import comes_within, wait_until
from vpn.models import Gateway as GatewayRow
from vpn.models import Peer, Usage

pytestmark = [pytest.mark.wireguard_go, pytest.mark.redis]

MEGABYTE = 10**6
IMPATIENT = "vpn.agent.tests.impatient"

PUBLISH = """
from django.db import transaction
from bundles.models import Subscription
from vpn.services.publish import publish_subscription
with transaction.atomic():
    publish_subscription(Subscription.objects.get(pk={}))
"""


@pytest.fixture
def online(
    internet: Internet, gateway: Gateway, newcomer: Callable[..., Person]
) -> Callable[..., tuple[Person, Customer]]:
    """Somebody who has paid by a phone of that provider and series, and is connected."""

    def connect(provider: str, series: int) -> tuple[Person, Customer]:
        person = newcomer(phone=special(PAYS, provider, series))
        payment = person.asks_to_pay()
        person.sees(payment, "completed", 15)
        customer = internet.customer()
        customer.connect(person.configuration(payment["bundle_id"])["config_data"])
        wait_until(customer.reaches, 10)
        return person, customer

    return connect


@pytest.fixture
def lossy_way(gateway: Gateway) -> Iterator[LossyWay]:
    """What the gateway's reports have to take, one each second."""
    gateway.kill()
    with LossyWay(to_port=gateway.relay.to_port) as way, gateway.relay.by_way_of(way.port):
        gateway.start(IMPATIENT)
        yield way
        gateway.kill()
    gateway.start()


def change(system: System, gateway: Gateway, person: Person, **changes: Any) -> None:
    """Give the person's subscription another end or allowance; its gateway serves it so then."""
    mine = system.rows(Subscription).filter(customer_id=person.id)
    mine.update(**changes)
    system.manage("shell", "--verbosity", "0", "--command", PUBLISH.format(mine.get().pk))
    newest = system.rows(GatewayRow).get(name="first").revision
    wait_until(lambda: gateway.served_revision() >= newest, 10)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_paid_customer_reaches_a_site_within_seconds(
    system: System,
    simulator: Simulator,
    internet: Internet,
    gateway: Gateway,
    newcomer: Callable[..., Person],
    provider: str,
    record_property: Callable[[str, object], None],
) -> None:
    person = newcomer(phone=special(PAYS, provider, 5))
    customer = internet.customer()
    payment = person.asks_to_pay()
    person.sees(payment, "completed", 15)
    customer.connect(person.configuration(payment["bundle_id"])["config_data"])
    wait_until(customer.reaches, 10, every=0.01)
    connected_at = timezone.now()
    heard = (
        system.rows(WebhookDelivery)
        .filter(attempt__payment__public_id=payment["payment_id"])
        .order_by("received_at")
        .first()
    )
    assert heard is not None
    record_property("seconds", (connected_at - heard.received_at).total_seconds())


def test_a_device_that_is_removed_is_cut_off_at_once(
    system: System, gateway: Gateway, online: Callable[..., tuple[Person, Customer]]
) -> None:
    person, customer = online("vodacom_mpesa", 6)
    (config,) = person.gets("/vpn/configs")["configs"]
    mine = system.rows(Peer).filter(pk=config["id"])
    public_key = mine.values_list("public_key", flat=True).get()
    assert person.call("DELETE", f"/vpn/config/{config['id']}").ok
    comes_within(lambda: public_key not in gateway.served_keys(), 2)
    assert not customer.reaches()


def test_what_was_sent_and_received_is_counted_once(
    system: System, gateway: Gateway, online: Callable[..., tuple[Person, Customer]]
) -> None:
    person, customer = online("tigo_pesa", 6)
    assert customer.visit(down=5 * MEGABYTE, up=5 * MEGABYTE) == (5 * MEGABYTE, 5 * MEGABYTE)
    wait_until(is_counted(system, person, customer), 30)


def test_it_is_counted_once_though_reports_get_lost_and_come_twice_and_the_gateway_dies(
    system: System,
    gateway: Gateway,
    lossy_way: LossyWay,
    online: Callable[..., tuple[Person, Customer]],
) -> None:
    person, customer = online("tigo_pesa", 8)
    peers = system.rows(Peer).filter(subscription__customer_id=person.id)
    public_key = peers.values_list("public_key", flat=True).get()
    visits: list[tuple[int, int]] = []

    def visit() -> None:
        visits.append(customer.visit(down=10 * MEGABYTE, up=10 * MEGABYTE))

    first = Thread(target=visit)
    first.start()
    wait_until(lambda: customer.bytes_of_tunnel()[1] > 3 * MEGABYTE, 10)
    gateway.kill()
    gateway.start(IMPATIENT)
    first.join()
    gateway.inside.run("ip", "link", "delete", "dev", gateway.interface)
    gateway.wait_until_served(public_key)
    # WireGuard makes a new session by itself, 15 s after the old one gave no sign of life.
    wait_until(lambda: customer.reaches(patience=3), 40)
    visit()
    assert visits == [(10 * MEGABYTE, 10 * MEGABYTE)] * 2
    wait_until(is_counted(system, person, customer), 30)

    # It stays so, until all that got lost has been sent again, to the byte.
    lost, unanswered, taken = lossy_way.lost[:], lossy_way.unanswered[:], len(lossy_way.taken)
    assert lost
    assert unanswered
    wait_until(lambda: len(lossy_way.taken) >= taken + 10, 30)
    assert is_counted(system, person, customer)()
    times = Counter(lossy_way.taken)
    assert min(times.values()) >= 2
    assert min(times[body] for body in unanswered) >= 4
    assert set(lost) <= times.keys()
    assert not system.rows(Case).filter(kind=CaseKind.COUNTER_FAULT).exists()


def test_an_allowance_stops_it_and_a_top_up_opens_it_again(
    system: System, gateway: Gateway, online: Callable[..., tuple[Person, Customer]]
) -> None:
    person, customer = online("airtel_money", 6)
    change(system, gateway, person, data_limit_bytes=5 * MEGABYTE)
    mine = system.rows(Subscription).filter(customer_id=person.id)
    used_up = mine.exclude(used_up_at=None)

    def uses_it_up() -> bool:
        customer.visit(down=MEGABYTE, patience=1)
        return used_up.exists()

    wait_until(uses_it_up, 60)
    assert not customer.reaches()
    sent, received = customer.bytes_of_tunnel()
    assert sent + received < 6 * MEGABYTE

    again = person.asks_to_pay()
    person.sees(again, "completed", 15)
    wait_until(customer.reaches, 5)
    assert mine.get().used_up_at is None


def test_the_end_stops_it(
    system: System, gateway: Gateway, online: Callable[..., tuple[Person, Customer]]
) -> None:
    person, customer = online("vodacom_mpesa", 7)
    change(system, gateway, person, ends_at=timezone.now() + timedelta(seconds=4))
    with gateway.relay.cut():  # by the gateway alone
        wait_until(lambda: not customer.reaches(), 15)


def test_the_tunnel_lives_while_the_server_is_away(
    gateway: Gateway, online: Callable[..., tuple[Person, Customer]]
) -> None:
    _, customer = online("tigo_pesa", 7)
    with gateway.relay.cut():
        gateway.kill()
        assert customer.reaches(patience=PATIENCE_SECONDS)
        gateway.start()
        for _ in range(3):
            assert customer.reaches(patience=CUT_SECONDS)
    assert customer.reaches(patience=PATIENCE_SECONDS)


def test_customers_of_a_dead_gateway_go_on_by_another_with_their_keys(
    system: System,
    internet: Internet,
    gateway: Gateway,
    online: Callable[..., tuple[Person, Customer]],
) -> None:
    person, customer = online("airtel_money", 7)
    (old,) = person.gets("/vpn/configs")["configs"]
    system.rows(GatewayRow).create(
        name="second",
        endpoint_host=OTHER_GATEWAY,
        endpoint_port=PORT,
        range4="10.9.0.0/16",
        range6="fd00:9::/64",
    )
    token = system.manage("gateway", "token", "second").strip()
    other = Gateway(internet, system, inside=internet.other_gateway(), token=token)
    try:
        gateway.kill()
        gateway.inside.run("ip", "link", "delete", "dev", gateway.interface)
        assert not customer.reaches()
        system.manage("gateway", "move", "first")
        (new,) = person.gets("/vpn/configs")["configs"]
        assert new["server_ip"] == OTHER_GATEWAY
        assert line(new, "PrivateKey") == line(old, "PrivateKey")
        told = system.rows(Message).filter(to=person.phone, message_id="vpn_moved")
        assert told.exists()
        customer.connect(new["config_data"])
        wait_until(customer.reaches, 20)
    finally:
        other.close()
        gateway.start()


def is_counted(system: System, person: Person, customer: Customer) -> Callable[[], bool]:
    """Whether server and app tell within 1% what the customer's own interface has counted."""

    def look() -> bool:
        sent, received = customer.bytes_of_tunnel()
        rows = system.rows(Usage).filter(subscription__customer_id=person.id)
        (mine,) = person.gets("/users/subscriptions")["subscriptions"]
        return (
            sum(row.up_to - row.up_from for row in rows) == pytest.approx(sent, rel=0.01)
            and sum(row.down_to - row.down_from for row in rows)
            == pytest.approx(received, rel=0.01)
            and mine["data_used_bytes"] == pytest.approx(sent + received, rel=0.01)
        )

    return look


def line(config: dict[str, Any], name: str) -> str:
    """A line of a WireGuard file."""
    lines: list[str] = config["config_data"].splitlines()
    return next(each for each in lines if each.startswith(f"{name} ="))
