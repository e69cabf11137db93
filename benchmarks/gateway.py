"""How long after the commit can a customer's packets pass, with few peers and with many?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from time import perf_counter

import requests

from benchmarks.activation import pays
from benchmarks.crowd import crowd
from benchmarks.figures import Figure
from benchmarks.people import People
from tests.system import System, running_system
from tests.tunnel.gateway import VARIABLES, Gateway
from tests.tunnel.internet import Internet
from tests.waiting import wait_until

FEW, MANY, QUICK_MANY = 10, 10_000, 500
WARMING_UP, ROUNDS, QUICK_ROUNDS = 3, 25, 5
PATIENCE_SECONDS = 60
# Says when `wg` has changed something: to look with it would take its time from what is measured.
WG = """\
#!/bin/sh
{wg} "$@"
code=$?
case "$1" in set | addconf) date +%s.%N >>{log} ;; esac
exit $code
"""


def measure(*, is_quick: bool) -> list[Figure]:
    rounds = QUICK_ROUNDS if is_quick else ROUNDS
    many = QUICK_MANY if is_quick else MANY
    with _gateway() as (system, gateway, changes):
        people = People(system)
        crowd(system, FEW)
        few = _deliveries(system, people, gateway, changes, FEW, rounds)
        bare = [_bare(system, gateway) for _ in range(rounds)]
        crowd(system, many - FEW)
        crowded = _deliveries(system, people, gateway, changes, many, rounds)
    limit = [0.25] * rounds
    return [
        Figure(f"commit to peer with {FEW}, beside a bare wg set and a round trip", few, bare),
        Figure(f"commit to peer with {many}, beside a bare wg set and a round trip", crowded, bare),
        Figure(f"commit to peer with {many}, beside 250 ms", crowded, limit, at_most=1),
        Figure(f"commit to peer with {many}, beside {FEW}", crowded, few, at_most=2),
    ]


@contextmanager
def _gateway() -> Iterator[tuple[System, Gateway, Path]]:
    with (
        TemporaryDirectory() as folder,
        running_system(has_gateway=False, **VARIABLES) as system,
        Internet(Path(folder)) as internet,
    ):
        changes, program = Path(folder) / "changes", Path(folder) / "bin" / "wg"
        program.parent.mkdir()
        program.write_text(WG.format(wg=which("wg"), log=changes))
        program.chmod(0o755)
        gateway = Gateway(internet, system, path=str(program.parent))
        try:
            yield system, gateway, changes
        finally:
            gateway.close()


def _deliveries(
    system: System, people: People, gateway: Gateway, changes: Path, peers: int, rounds: int
) -> list[float]:
    """Seconds from the commit until WireGuard has the peer, one purchase after the other."""
    wait_until(lambda: len(gateway.served_keys()) >= peers, PATIENCE_SECONDS, every=0.5)
    seconds = []
    for _ in range(WARMING_UP + rounds):
        seconds.append(_delivery(system, people, changes))
    return seconds[WARMING_UP:]


def _delivery(system: System, people: People, changes: Path) -> float:
    known = len(_moments(changes))
    committed_at = pays(system, people)
    wait_until(lambda: len(_moments(changes)) > known, PATIENCE_SECONDS)
    return _moments(changes)[known] - committed_at


def _moments(changes: Path) -> list[float]:
    return [float(line) for line in changes.read_text().split()] if changes.exists() else []


def _bare(system: System, gateway: Gateway) -> float:
    """One peer set by hand, and one answer of the server's over the same way."""
    inside, interface = gateway.inside, gateway.interface
    key = subprocess.run(
        ["wg", "pubkey"], input=subprocess.check_output(["wg", "genkey"]), capture_output=True
    ).stdout.decode()
    began = perf_counter()
    inside.run("wg", "set", interface, "peer", key.strip(), "allowed-ips", "10.8.255.254/32")
    requests.get(f"{system.url}/health/live", timeout=PATIENCE_SECONDS)
    seconds = perf_counter() - began
    inside.run("wg", "set", interface, "peer", key.strip(), "remove")
    return seconds
