"""Does the agent at work slow its customers down, and what do metering and rules cost at all?"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import MEGABITS_PER_SECOND, Figure
from benchmarks.sync import ALLOWANCE
from tests.tunnel.internet import OTHER_GATEWAY, SITE4, SITE_PORT, Customer, Internet
from tests.waiting import wait_until
from vpn.agent.keys import new_private_key, public_key
from vpn.agent.tests.gateway import PORT, TUNNEL4, TUNNEL6, AgentProcess, Device, device

# No slow line: a difference would not be seen on it.
LINE = ()
WAYS = {"down": (4, 0), "up": (0, 1)}  # connections that move something down, and up
TURN_SECONDS = 1.0  # as long as it is between two of the agent's ticks
TURNS, QUICK_TURNS = 20, 2  # of each way
UNDER_WAY_SECONDS, BARE_TURN_SECONDS = 1.0, 1.5
BARE_TURNS, QUICK_BARE_TURNS = 3, 1
PATIENCE_SECONDS = 40


def measure(*, is_quick: bool) -> list[Figure]:
    served, alone, figures = [], [], []
    with _gateways() as (gateway, customer, other):
        for way in WAYS:
            with _moving(customer, way):
                for _ in range(QUICK_TURNS if is_quick else TURNS):
                    served.append(_rate(customer, TURN_SECONDS))
                    with gateway.paused():
                        alone.append(_rate(customer, TURN_SECONDS))
            metered: list[float] = []
            bare: list[float] = []
            for _ in range(QUICK_BARE_TURNS if is_quick else BARE_TURNS):
                for who, rates in ((customer, metered), (other, bare)):
                    with _moving(who, way):
                        rates.append(_rate(who, BARE_TURN_SECONDS))
            figures.append(
                Figure(
                    f"throughput {way} with the agent, beside a bare WireGuard with masquerade",
                    metered,
                    bare,
                    MEGABITS_PER_SECOND,
                    by_pairs=True,
                )
            )
    against_rules_alone = Figure(
        "throughput down and up with the agent, beside its rules alone",
        served,
        alone,
        MEGABITS_PER_SECOND,
        at_least=0.98,
        by_pairs=True,
    )
    return [against_rules_alone, *figures]


@contextmanager
def _gateways() -> Iterator[tuple[AgentProcess, Customer, Customer]]:
    """A gateway with its customer, and a customer of a bare one."""
    with TemporaryDirectory() as name, Internet(Path(name), line=LINE) as internet:
        gateway = AgentProcess(internet)
        try:
            gateway.enrol()
            phone, other = device(7, group=3), device(8, group=4)
            gateway.start()
            gateway.server.serve(phone.peer(limit_bytes=ALLOWANCE))
            gateway.wait_until_served(phone)
            customer = _connected(internet, gateway.config(phone))
            yield gateway, customer, _connected(internet, _bare_gateway(internet, other))
        finally:
            gateway.close()


def _bare_gateway(internet: Internet, who: Device) -> str:
    """Forward and masquerade, as a page on WireGuard has it: the customer's file."""
    inside = internet.other_gateway()
    interface, private_key = f"kg{inside.mark}", new_private_key()
    config = internet.folder / "bare.conf"
    config.write_text(
        f"[Interface]\nPrivateKey = {private_key}\nListenPort = {PORT}\n"
        f"[Peer]\nPublicKey = {public_key(who.private_key)}\nPresharedKey = {who.preshared_key}\n"
        f"AllowedIPs = {', '.join(who.peer()['addresses'])}\n"
    )
    inside.run("wireguard-go", interface)
    inside.run("wg", "setconf", interface, str(config))
    for address in (f"{TUNNEL4}/16", f"{TUNNEL6}/64"):
        inside.run("ip", "address", "add", address, "dev", interface)
    inside.run("ip", "link", "set", "dev", interface, "mtu", "1280", "up")
    inside.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    inside.run("nft", "add", "table", "ip", "bare")
    inside.run("nft", "add chain ip bare out { type nat hook postrouting priority srcnat ; }")
    inside.run("nft", f'add rule ip bare out oifname != "{interface}" masquerade')
    return (
        f"[Interface]\nPrivateKey = {who.private_key}\n"
        f"Address = {', '.join(who.peer()['addresses'])}\nMTU = 1280\n"
        f"[Peer]\nPublicKey = {public_key(private_key)}\nPresharedKey = {who.preshared_key}\n"
        f"AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = {OTHER_GATEWAY}:{PORT}\n"
    )


def _connected(internet: Internet, config: str) -> Customer:
    customer = internet.customer()
    customer.connect(config)
    wait_until(customer.reaches, PATIENCE_SECONDS)
    return customer


@contextmanager
def _moving(customer: Customer, way: str) -> Iterator[None]:
    """As much as passes moves that way, and is under way already."""
    connections = map(str, WAYS[way])
    program = customer.namespace.start(
        *(sys.executable, "-m", "benchmarks.transfer", SITE4, str(SITE_PORT), *connections),
        log=Path(os.devnull),
    )
    try:
        _, before = customer.bytes_of_tunnel()
        wait_until(lambda: customer.bytes_of_tunnel()[1] > before, PATIENCE_SECONDS)
        time.sleep(UNDER_WAY_SECONDS)
        yield
    finally:
        program.kill()
        program.wait()


def _rate(customer: Customer, seconds: float) -> float:
    """Bytes a second, both ways together."""
    before, began = sum(customer.bytes_of_tunnel()), time.perf_counter()
    time.sleep(seconds)
    after, ended = sum(customer.bytes_of_tunnel()), time.perf_counter()
    return (after - before) / (ended - began)
