"""How long until a gateway that served nobody serves 10,000, beside a bare `wg syncconf` of them?"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from tests.tunnel.internet import Internet
from tests.tunnel.namespaces import Namespace
from tests.waiting import wait_until
from vpn.agent.firewall import TABLE
from vpn.agent.keys import new_private_key
from vpn.agent.tests.gateway import PORT, TUNNEL4, TUNNEL6, AgentProcess

PEERS, QUICK_PEERS = 10_000, 500
WARMING_UP, ROUNDS, QUICK_ROUNDS = 1, 5, 2
ROUNDS_WITH_SPEEDS = 2
PATIENCE_SECONDS = 60
ALLOWANCE, SPEED_KBPS = 100 * 10**9, 10_000
# Says when the program has changed something: to look would take its time from what is measured.
PROGRAM = """\
#!/bin/sh
{program} "$@"
code=$?
case "$1" in set | addconf | -f) date +%s.%N >>{log} ;; esac
exit $code
"""

Peer = dict[str, Any]


def measure(*, is_quick: bool) -> list[Figure]:
    """The agent and the bare command, by turns, each on an interface that was never used."""
    count = QUICK_PEERS if is_quick else PEERS
    rounds = QUICK_ROUNDS if is_quick else ROUNDS
    served, shaped = peers(count), peers(count, kbps=SPEED_KBPS)
    synced, bare, synced_with_speeds = [], [], []
    for _ in range(WARMING_UP + rounds):
        synced.append(_full_sync(served))
        bare.append(_bare(served))
    for _ in range(min(rounds, ROUNDS_WITH_SPEEDS)):
        synced_with_speeds.append(_full_sync(shaped))
    synced, bare = synced[WARMING_UP:], bare[WARMING_UP:]
    name = f"full sync of {count} peers"
    return [
        Figure(f"{name}, beside a bare wg syncconf", synced, bare, at_most=2),
        Figure(f"{name}, each with a speed, beside a bare wg syncconf", synced_with_speeds, bare),
    ]


def peers(count: int, *, kbps: int = 0) -> list[Peer]:
    """As a server tells them: each of a subscription of its own, for an hour."""
    ends_at = int(time.time()) + 3600
    return [
        {
            "id": number,
            "group": number,
            "public_key": _key(number),
            "preshared_key": _key(-number),
            "addresses": [f"10.8.{number >> 8}.{number & 255}/32", f"fd00:8::{number:x}/128"],
            "ends_at": ends_at,
            "limit_bytes": ALLOWANCE,
            "kbps": kbps,
        }
        for number in range(1000, 1000 + count)
    ]


def _key(number: int) -> str:
    return base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode()


def _full_sync(served: Sequence[Peer]) -> float:
    """Seconds from the answer with all peers until both WireGuard and nftables have them."""
    with _new_gateway() as (gateway, changes):
        gateway.server.serve(*served)
        gateway.start()
        # The first report is made when the state is served.
        wait_until(lambda: gateway.server.reports, PATIENCE_SECONDS)
        ended_at = max(float(line) for line in changes.read_text().split())
        _check(gateway, len(served))
        return ended_at - gateway.server.states_told[0]


@contextmanager
def _new_gateway() -> Iterator[tuple[AgentProcess, Path]]:
    """Enrolled and not started, with the file in which its programs say when they have ended."""
    with TemporaryDirectory() as name, Internet(Path(name)) as internet:
        changes, programs = internet.folder / "changes", internet.folder / "bin"
        programs.mkdir()
        for program in ("wg", "nft"):
            script = programs / program
            script.write_text(PROGRAM.format(program=which(program), log=changes))
            script.chmod(0o755)
        gateway = AgentProcess(internet, path=str(programs))
        try:
            gateway.enrol()
            yield gateway, changes
        finally:
            gateway.close()


def _check(gateway: AgentProcess, count: int) -> None:
    """All of them are in force, or the figure is none."""
    inside = gateway.internet.gateway
    open_in = {
        "WireGuard": len(_open_keys(inside, gateway.internet.gateway_interface)),
        **{
            f"{name}{family}": _elements(inside, f"{name}{family}")
            for name in ("up", "down", "quota")
            for family in (4, 6)
        },
    }
    if set(open_in.values()) != {count}:
        raise RuntimeError(f"Not all {count} are served: {open_in}.\n{gateway.log.read_text()}")


def _open_keys(inside: Namespace, interface: str) -> list[str]:
    shown = inside.run("wg", "show", interface, "allowed-ips")
    return [line for line in shown.splitlines() if "(none)" not in line]


def _elements(inside: Namespace, name: str) -> int:
    listed = json.loads(inside.run("nft", "-j", "list", "map", *TABLE.split(), name))["nftables"]
    return sum(len(entry["map"].get("elem", ())) for entry in listed if "map" in entry)


def _bare(served: Sequence[Peer]) -> float:
    """Seconds of `wg syncconf` with the same peers, on an interface that is up and has none."""
    namespace = Namespace("bare")
    interface = f"kb{namespace.mark}"
    try:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "wg.conf"
            config.write_text(
                f"[Interface]\nPrivateKey = {new_private_key()}\nListenPort = {PORT}\n"
                + "".join(_section(peer) for peer in served)
            )
            namespace.removes(interface)
            namespace.run("wireguard-go", interface)
            for address in (f"{TUNNEL4}/16", f"{TUNNEL6}/64"):
                namespace.run("ip", "address", "add", address, "dev", interface)
            namespace.run("ip", "link", "set", "dev", interface, "mtu", "1280", "up")
            began = time.perf_counter()
            namespace.run("wg", "syncconf", interface, str(config))
            seconds = time.perf_counter() - began
        if len(_open_keys(namespace, interface)) != len(served):
            raise RuntimeError("wg syncconf did not set all peers")
    finally:
        namespace.close()
    return seconds


def _section(peer: Peer) -> str:
    return (
        f"[Peer]\nPublicKey = {peer['public_key']}\nPresharedKey = {peer['preshared_key']}\n"
        f"AllowedIPs = {', '.join(peer['addresses'])}\n"
    )
