"""The real agent, real WireGuard in userspace, real nftables: a packet's way in and its end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import pytest

from tests.tunnel.internet import (
    CUT_SECONDS,
    DNS_PORT,
    GATEWAY_PRIVATE,
    GATEWAY_PUBLIC,
    MAIL_PORT,
    PATIENCE_SECONDS,
    PRIVATE_MACHINE,
    SITE4,
    SITE6,
    SITE_PORT,
    Customer,
)
from tests.waiting import comes_within, holds_for, wait_until
from vpn.agent.keys import public_key
from vpn.agent.tests.gateway import MEGABYTE, TUNNEL4, TUNNEL6, AgentProcess, Device, device

pytestmark = pytest.mark.wireguard_go


def test_usage_is_what_passed_the_customers_tunnel(gateway: AgentProcess) -> None:
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone)
    assert customer.visit(down=20 * MEGABYTE, up=20 * MEGABYTE) == (20 * MEGABYTE, 20 * MEGABYTE)
    wait_until(is_counted(gateway, customer, group=3), 15)


def test_usage_is_exact_though_agent_and_interface_die_and_answers_get_lost(
    gateway: AgentProcess,
) -> None:
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone)
    gateway.server.loses = 2
    visits: list[tuple[int, int]] = []
    visit = threading.Thread(
        target=lambda: visits.append(customer.visit(down=10 * MEGABYTE, up=10 * MEGABYTE))
    )
    visit.start()
    wait_until(lambda: customer.bytes_of_tunnel()[1] > 3 * MEGABYTE, 10)
    gateway.kill()
    gateway.start()
    visit.join()
    assert visits == [(10 * MEGABYTE, 10 * MEGABYTE)]

    inside, interface = gateway.internet.gateway, gateway.internet.gateway_interface
    inside.run("ip", "link", "delete", "dev", interface)
    gateway.wait_until_served(phone)
    # WireGuard makes a new session by itself, 15 s after the old one gave no sign of life.
    wait_until(lambda: customer.reaches(patience=3), 40)
    customer.visit(down=10 * MEGABYTE, up=10 * MEGABYTE)

    wait_until(is_counted(gateway, customer, group=3), 30)
    assert len(gateway.server.epochs()) == 1
    repeated = [body for body in gateway.server.bodies if gateway.server.bodies.count(body) > 1]
    assert repeated, "no report was sent again to the byte"
    numbers = [report["sequence"] for report in gateway.server.reports]
    assert numbers == sorted(numbers)


def test_two_devices_share_an_allowance_to_its_last_packet_and_a_top_up_reopens_both(
    gateway: AgentProcess,
) -> None:
    phone, tablet = device(7, group=3), device(8, group=3)
    allowance = {"limit_bytes": 5 * MEGABYTE}
    on_phone, on_tablet = connected(gateway, phone, tablet, **allowance)
    assert on_phone.visit(down=2 * MEGABYTE) == (2 * MEGABYTE, 1)
    assert on_tablet.visit(up=2 * MEGABYTE) == (1, 2 * MEGABYTE)
    reports = len(gateway.server.reports)
    assert on_phone.visit(down=5 * MEGABYTE, patience=CUT_SECONDS)[0] < MEGABYTE
    comes_within(lambda: gateway.server.used(3) > 4.95 * MEGABYTE, 5)  # told at once
    assert len(gateway.server.reports) > reports
    assert gateway.server.used(3) <= 5 * MEGABYTE
    for customer in (on_phone, on_tablet):
        assert not customer.reaches()
        assert not customer.reaches(SITE6), "IPv6 leaks past the allowance"

    topped_up = {"limit_bytes": 8 * MEGABYTE}
    gateway.server.serve(phone.peer(**topped_up), tablet.peer(**topped_up))
    wait_until(on_tablet.reaches, 10)
    assert on_phone.visit(down=2 * MEGABYTE) == (2 * MEGABYTE, 1)
    assert on_phone.visit(down=2 * MEGABYTE, patience=CUT_SECONDS)[0] < MEGABYTE
    comes_within(lambda: gateway.server.used(3) > 7.95 * MEGABYTE, 5)
    assert gateway.server.used(3) <= 8 * MEGABYTE


def test_the_end_comes_and_a_renewal_is_served_though_the_server_was_away(
    gateway: AgentProcess,
) -> None:
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone)
    ends_at = int(time.time()) + 4
    gateway.server.serve(phone.peer(ends_at=ends_at))
    wait_until(gateway.has_the_newest_state, 10)
    with gateway.relay.cut():
        assert customer.reaches(patience=PATIENCE_SECONDS) or time.time() >= ends_at
        wait_until(lambda: not customer.reaches(), 10)
        assert time.time() >= ends_at
        assert not customer.reaches(SITE6)
        assert public_key(phone.private_key) in gateway.served_keys(), "the session is lost"
    gateway.server.serve(phone.peer())
    wait_until(customer.reaches, 40)


def test_one_whose_time_is_over_keeps_nobody_else_from_service(gateway: AgentProcess) -> None:
    late, punctual = device(7, group=3), device(8, group=4)
    gateway.server.serve(late.peer(ends_at=int(time.time()) - 60), punctual.peer())
    gateway.wait_until_served(late, punctual)
    on_late, on_punctual = customer_of(gateway, late), customer_of(gateway, punctual)
    wait_until(on_punctual.reaches, 10)
    assert not on_late.reaches()
    gateway.server.serve(late.peer())  # a renewal
    wait_until(on_late.reaches, 20)


def test_a_revoked_device_is_gone_within_two_seconds_and_its_last_bytes_are_told(
    gateway: AgentProcess,
) -> None:
    phone, tablet = device(7, group=3), device(8, group=4)
    customer, bystander = connected(gateway, phone, tablet)
    assert customer.visit(down=MEGABYTE) == (MEGABYTE, 1)
    inside = gateway.internet.gateway
    gateway.server.drop(phone.id)
    comes_within(lambda: public_key(phone.private_key) not in gateway.served_keys(), 2)
    assert not customer.reaches()
    assert bystander.reaches(patience=PATIENCE_SECONDS)
    wait_until(lambda: gateway.server.passed(3)[1] > MEGABYTE, 15)
    wait_until(lambda: "_7_3" not in inside.run("nft", "list", "counters"), 15)
    # It comes back in the same epoch: the counters go on from where they were.
    gateway.server.serve(phone.peer())
    gateway.wait_until_served(phone)
    before = gateway.server.passed(3)[1]
    wait_until(lambda: customer.reaches(patience=3), 40)
    wait_until(lambda: gateway.server.passed(3)[1] > before, 15)


def test_an_address_goes_to_the_next_customer_without_a_byte_of_the_first(
    gateway: AgentProcess,
) -> None:
    first, second = device(7, group=3), device(8, group=4)
    (customer,) = connected(gateway, first)
    assert customer.visit(down=MEGABYTE) == (MEGABYTE, 1)
    with gateway.server.change() as wanted:
        del wanted[first.id]
        wanted[second.id] = second.peer(addresses=first.peer()["addresses"])
    gateway.wait_until_served(second)
    assert not customer.reaches()
    wait_until(lambda: gateway.server.passed(3)[1] > MEGABYTE, 15)
    assert gateway.server.used(4) == 0


def test_a_device_moves_to_another_subscription_with_its_session(gateway: AgentProcess) -> None:
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone)
    assert customer.visit(down=MEGABYTE) == (MEGABYTE, 1)
    gateway.server.serve(phone.peer(group=4))
    inside = gateway.internet.gateway
    wait_until(lambda: "up_7_4" in inside.run("nft", "list", "map", "inet", "konektika", "up4"), 5)
    assert customer.visit(down=2 * MEGABYTE) == (2 * MEGABYTE, 1)
    wait_until(lambda: gateway.server.passed(4)[1] > 2 * MEGABYTE, 15)
    assert MEGABYTE < gateway.server.passed(3)[1] < 1.2 * MEGABYTE


def test_the_tunnel_lives_while_the_server_is_away_and_the_agent_starts_again(
    gateway: AgentProcess,
) -> None:
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone)
    with gateway.relay.cut():
        assert customer.visit(down=MEGABYTE) == (MEGABYTE, 1)
        gateway.kill()
        assert customer.visit(down=MEGABYTE) == (MEGABYTE, 1)
        gateway.start()
        holds_for(lambda: customer.reaches(patience=CUT_SECONDS), 3)
    wait_until(is_counted(gateway, customer, group=3), 60)


@pytest.mark.parametrize("is_reboot", [True, False], ids=["reboot", "nft flush ruleset"])
def test_a_lost_table_begins_an_epoch_and_gives_no_byte_twice(
    gateway: AgentProcess, is_reboot: bool
) -> None:
    """The server is away, so that only we know what was used."""
    phone = device(7, group=3)
    (customer,) = connected(gateway, phone, limit_bytes=5 * MEGABYTE)
    assert customer.visit(down=3 * MEGABYTE) == (3 * MEGABYTE, 1)
    wait_until(lambda: gateway.server.used(3) > 3 * MEGABYTE, 15)
    inside = gateway.internet.gateway
    with gateway.relay.cut():
        if is_reboot:
            gateway.kill()
            inside.run("ip", "link", "delete", "dev", gateway.internet.gateway_interface)
        inside.run("nft", "flush", "ruleset")
        if is_reboot:
            gateway.start()
            gateway.wait_until_served(phone)
        wait_until(lambda: customer.reaches(patience=3), 40)
        assert customer.visit(down=5 * MEGABYTE, patience=CUT_SECONDS)[0] < 2 * MEGABYTE
    wait_until(lambda: gateway.server.used(3) > 4.9 * MEGABYTE, 60)
    assert len(gateway.server.epochs()) == 2
    assert gateway.server.used(3) <= 5 * MEGABYTE


def test_customers_reach_neither_one_another_nor_what_is_private(gateway: AgentProcess) -> None:
    phone, tablet = device(7, group=3), device(8, group=4)
    customer, other = connected(gateway, phone, tablet)
    internet = gateway.internet
    for address in (TUNNEL4, TUNNEL6):
        internet.serve(internet.gateway, address, SITE_PORT)
        internet.serve(internet.gateway, address, DNS_PORT)
    other4, other6 = (address.partition("/")[0] for address in tablet.peer()["addresses"])
    for address in (other4, other6):
        internet.serve(other.namespace, address, SITE_PORT)
    forbidden = (
        (other4, SITE_PORT),
        (other6, SITE_PORT),
        (TUNNEL4, SITE_PORT),
        (TUNNEL6, SITE_PORT),
        (GATEWAY_PRIVATE, SITE_PORT),
        (GATEWAY_PUBLIC, SITE_PORT),
        (PRIVATE_MACHINE, SITE_PORT),
        (SITE4, MAIL_PORT),
    )
    for address, port in forbidden[2:]:
        visit = (address, port, 1, 1, PATIENCE_SECONDS)
        seen = internet.gateway.python("tests.tunnel.visit", *(str(word) for word in visit))
        assert seen == "1 1\n", f"{address} answers nobody at all"
    for address, port in forbidden:
        assert not customer.reaches(address, port), f"a customer reaches {address}:{port}"
    assert customer.reaches(TUNNEL4, DNS_PORT, patience=PATIENCE_SECONDS)
    assert customer.reaches(TUNNEL6, DNS_PORT, patience=PATIENCE_SECONDS)
    assert customer.reaches(patience=PATIENCE_SECONDS)
    assert other.reaches(SITE6, patience=PATIENCE_SECONDS)


@pytest.mark.parametrize(("down", "up"), [(MEGABYTE, 1), (1, MEGABYTE)], ids=["down", "up"])
def test_a_plans_speed_holds_each_way(gateway: AgentProcess, down: int, up: int) -> None:
    """8 Mbit at 2 Mbit/s last 2.75 to 4 seconds; a line of 50 Mbit/s would need a sixth of one.

    2.75: what a customer sends is policed, and a full bucket of the kernel's byte limit holds a
    whole second besides the burst (nft_limit: rate + burst), 0.3 of these megabytes.
    """
    phone, inside = device(7, group=3), gateway.internet.gateway
    (customer,) = connected(gateway, phone)
    gateway.server.serve(phone.peer(kbps=2000))
    wait_until(lambda: "1:1" in inside.run("nft", "list", "map", "inet", "konektika", "class4"), 5)
    began = time.monotonic()
    assert customer.visit(down=down, up=up) == (down, up)
    assert 2.5 < time.monotonic() - began < 30


@pytest.mark.parametrize("is_running", [True, False], ids=["by an audit", "at the start"])
def test_what_somebody_changes_by_hand_is_mended(gateway: AgentProcess, is_running: bool) -> None:
    phone, tablet = device(7, group=3), device(8, group=4)
    customer, other = connected(gateway, phone, tablet)
    inside, interface = gateway.internet.gateway, gateway.internet.gateway_interface
    gateway.kill()
    if is_running:
        gateway.start("vpn.agent.tests.impatient")
        reports = len(gateway.server.reports)
        wait_until(lambda: len(gateway.server.reports) > reports, 15)
    (address, _) = (a.partition("/")[0] for a in tablet.peer()["addresses"])
    inside.run("nft", "delete", "element", "inet", "konektika", "quota4", "{", address, "}")
    inside.run("nft", "flush", "chain", "inet", "konektika", "from_customers")
    inside.run("wg", "set", interface, "peer", public_key(phone.private_key), "remove")
    if not is_running:
        set_merging(gateway, True)
        gateway.start()
    gateway.wait_until_served(phone)
    wait_until(
        lambda: address in inside.run("nft", "list", "map", "inet", "konektika", "quota4"), 10
    )
    wait_until(lambda: customer.reaches(patience=3), 40)
    assert other.reaches(patience=PATIENCE_SECONDS)
    assert not other.reaches(SITE4, MAIL_PORT)
    assert not merges(gateway), "merged packets are counted short"
    if is_running:
        wait_until(lambda: gateway.server.reports[-1]["health"]["repairs"] >= 3, 15)


def test_customers_of_a_full_gateway_notice_nothing_while_others_come_and_go(
    gateway: AgentProcess,
) -> None:
    phone, tablet = device(7, group=3), device(8, group=4)
    crowd = [device(number, group=number) for number in range(100, 10_100)]
    newcomers = [device(number, group=number) for number in range(20_000, 21_000)]
    gateway.server.serve(*(one.peer() for one in crowd))
    gateway.wait_until_served(*crowd, seconds=40)
    on_phone, on_tablet = connected(gateway, phone, tablet)
    visits: list[tuple[int, int]] = []
    all_came_and_went = threading.Event()

    def visit() -> None:
        while not all_came_and_went.is_set():
            visits.append(on_phone.visit(down=4 * MEGABYTE, up=MEGABYTE))

    visiting = threading.Thread(target=visit)
    visiting.start()
    try:
        for first in range(0, len(newcomers), 50):
            with gateway.server.change() as wanted:
                wanted.update({one.id: one.peer() for one in newcomers[first : first + 50]})
                for one in crowd[first : first + 50]:
                    del wanted[one.id]
            wait_until(gateway.has_the_newest_state, 10)
        gateway.server.drop(tablet.id)
        comes_within(lambda: public_key(tablet.private_key) not in gateway.served_keys(), 2)
        assert not on_tablet.reaches()
    finally:
        all_came_and_went.set()
        visiting.join()
    assert set(visits) == {(4 * MEGABYTE, MEGABYTE)}
    there = {phone, *crowd[len(newcomers) :], *newcomers}
    assert gateway.served_keys() == {public_key(one.private_key) for one in there}
    wait_until(is_counted(gateway, on_phone, group=3), 15)


def connected(gateway: AgentProcess, *devices: Device, **different: object) -> list[Customer]:
    """A customer with a working tunnel for each device."""
    gateway.server.serve(*(one.peer(**different) for one in devices))
    gateway.wait_until_served(*devices)
    customers = [customer_of(gateway, one) for one in devices]
    for customer in customers:
        wait_until(customer.reaches, 10)
    return customers


def customer_of(gateway: AgentProcess, one: Device) -> Customer:
    """Somebody who has brought the device's tunnel up."""
    customer = gateway.internet.customer()
    customer.connect(gateway.config(one))
    return customer


def set_merging(gateway: AgentProcess, on: bool) -> None:
    in_the_namespace(gateway, f"host.set_merging({gateway.internet.uplink!r}, {on})")
    assert merges(gateway) is on


def merges(gateway: AgentProcess) -> bool:
    answer = in_the_namespace(gateway, f"print(host.merges({gateway.internet.uplink!r}))")
    return answer == "True\n"


def in_the_namespace(gateway: AgentProcess, statement: str) -> str:
    program = f"from vpn.agent import host; {statement}"
    return gateway.internet.gateway.run(sys.executable, "-c", program)


def is_counted(gateway: AgentProcess, customer: Customer, *, group: int) -> Callable[[], bool]:
    """Whether the server knows within 1% what the customer's own interface has counted."""

    def look() -> bool:
        (up, down), (sent, received) = gateway.server.passed(group), customer.bytes_of_tunnel()
        return abs(up - sent) <= sent * 0.01 and abs(down - received) <= received * 0.01

    return look
