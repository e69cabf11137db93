"""The real agent, real WireGuard in userspace, real nftables: a packet's way in and its end."""

from __future__ import annotations

import pytest

from tests.tunnel.internet import SITE6
from tests.waiting import wait_until
from vpn.agent.tests.gateway import MEGABYTE, AgentProcess, device

pytestmark = pytest.mark.wireguard_go


def test_a_served_device_reaches_the_internet_and_pays_for_what_it_received(
    gateway: AgentProcess,
) -> None:
    phone, customer = device(7, group=3), gateway.internet.customer()
    gateway.server.serve(phone.peer())
    gateway.wait_until_served(phone)
    customer.connect(gateway.config(phone))
    assert customer.visit(down=20 * MEGABYTE, up=20 * MEGABYTE) == (20 * MEGABYTE, 20 * MEGABYTE)
    assert customer.reaches(SITE6)
    sent, received = customer.bytes_of_tunnel()

    def is_counted() -> bool:
        up, down = gateway.server.passed(3)
        return abs(up - sent) <= sent * 0.01 and abs(down - received) <= received * 0.01

    wait_until(is_counted, 15)
