"""The WireGuard interface, by `wg`: it is changed peer by peer and never restarted.

Keys reach `wg` by a file or its standard input, never by its arguments, which everybody can read.
"""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from vpn.agent.backend import BackendFailed, Service
from vpn.agent.commands import Running, run, succeeds
from vpn.agent.state import Gateway

logger = logging.getLogger(__name__)

NO_KEY = "A" * 43 + "="  # 32 zero bytes: to WireGuard, no pre-shared key
PEERS_PER_COMMAND = 1000  # arguments have an end: 1000 keys are 60 kB


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A peer as WireGuard knows it; without addresses nothing of it passes (vpn.md, section 2)."""

    preshared_key: str
    allowed_ips: frozenset[str]


@dataclass(frozen=True, slots=True)
class Steps:
    """What has to be done, in this order: an address is free before somebody else gets it."""

    close: tuple[str, ...]  # public keys
    remove: tuple[str, ...]
    add: tuple[tuple[str, Tunnel], ...]

    def __len__(self) -> int:
        return len(self.close) + len(self.remove) + len(self.add)


class WireGuard:
    def __init__(self, interface: str, *, private_key_file: Path, public_key: str) -> None:
        self._interface = interface
        self._private_key_file = private_key_file
        self._public_key = public_key
        self._index: int | None = None
        self._tunnels: dict[str, Tunnel] = {}  # as WireGuard has them, by public key
        self._keys: dict[int, str] = {}  # of the peers that are served

    def is_whole(self) -> bool:
        """Whether the interface is the one that we configured, not another one of its name."""
        return self._index is not None and self._index == self._find()

    def configure(self, gateway: Gateway) -> None:
        if self._find() is None:
            self._make()
        known = run("wg", "show", self._interface, "public-key").strip()
        port = run("wg", "show", self._interface, "listen-port").strip()
        if (known, port) != (self._public_key, str(gateway.listen_port)):
            run(
                *("wg", "set", self._interface, "listen-port", str(gateway.listen_port)),
                *("private-key", str(self._private_key_file)),
            )
        self._set_addresses(gateway.addresses)
        run("ip", "link", "set", "dev", self._interface, "mtu", str(gateway.mtu), "up")
        self._index = self._find()

    def load(self) -> None:
        """Learn what WireGuard serves. Its first line has the private key: it is not told to anyone."""
        lines = run("wg", "show", self._interface, "dump").splitlines()[1:]
        fields = (line.split("\t") for line in lines)
        self._tunnels = {
            key: Tunnel(
                preshared_key=NO_KEY if preshared_key == "(none)" else preshared_key,
                allowed_ips=frozenset(allowed.split(",")) - {"(none)"},
            )
            for key, preshared_key, _, allowed, *_ in fields
        }

    def steps(self, services: Mapping[int, Service | None]) -> Steps:
        """What differs for these peers between what WireGuard has and what it should have."""
        touched = {self._keys[number] for number in services if number in self._keys}
        wanted = {service.public_key: _tunnel(service) for service in services.values() if service}
        return self._steps(touched & self._tunnels.keys(), wanted)

    def steps_of_all(self, services: Mapping[int, Service]) -> Steps:
        """The same for all peers: whoever is not named has to go."""
        return self._steps(
            self._tunnels.keys(),
            {service.public_key: _tunnel(service) for service in services.values()},
        )

    def close(self, steps: Steps) -> None:
        """Suspend and remove. A suspended peer keeps its session and comes back with its next packet."""
        for keys in _parts(steps.close):
            words = (word for key in keys for word in ("peer", key, "allowed-ips", ""))
            run("wg", "set", self._interface, *words)
        for key in steps.close:
            self._tunnels[key] = Tunnel(self._tunnels[key].preshared_key, frozenset())
        for keys in _parts(steps.remove):
            words = (word for key in keys for word in ("peer", key, "remove"))
            run("wg", "set", self._interface, *words)
        for key in steps.remove:
            del self._tunnels[key]

    def begin_to_add(self, steps: Steps) -> Running | None:
        """Start adding, beside whatever else has to be done; None where nothing is to be added."""
        if not steps.add:
            return None
        # addconf is `wg set` with the keys in a file: it adds these peers and touches no other.
        return Running(
            *("wg", "addconf", self._interface, "/dev/stdin"),
            fed="".join(_section(key, tunnel) for key, tunnel in steps.add),
        )

    def added(self, steps: Steps, services: Mapping[int, Service | None]) -> None:
        """All steps are done: what WireGuard has now."""
        self._tunnels.update(steps.add)
        for number, service in services.items():
            if service:
                self._keys[number] = service.public_key
            else:
                self._keys.pop(number, None)

    def handshakes(self) -> dict[str, int]:
        """The last one of each peer, seconds since 1970; 0 for never."""
        lines = run("wg", "show", self._interface, "latest-handshakes").splitlines()
        return {key: int(moment) for key, moment in (line.split("\t") for line in lines)}

    def _steps(self, before: AbstractSet[str], wanted: Mapping[str, Tunnel]) -> Steps:
        close, add = [], []
        for key, tunnel in wanted.items():
            known = self._tunnels.get(key)
            if known == tunnel:
                continue
            if known and known.allowed_ips and not tunnel.allowed_ips:
                close.append(key)
            else:
                add.append((key, tunnel))
        return Steps(
            close=tuple(close),
            remove=tuple(key for key in before if key not in wanted),
            add=tuple(add),
        )

    def _find(self) -> int | None:
        try:
            return socket.if_nametoindex(self._interface)
        except OSError:
            return None

    def _make(self) -> None:
        if succeeds("ip", "link", "add", "dev", self._interface, "type", "wireguard"):
            return
        logger.warning("The kernel has no WireGuard; wireguard-go is started.")
        run("wireguard-go", self._interface)
        if self._find() is None:
            raise BackendFailed(f"wireguard-go made no {self._interface}")

    def _set_addresses(self, wanted: Iterable[str]) -> None:
        (link,) = json.loads(run("ip", "-json", "address", "show", "dev", self._interface))
        present = {
            f"{info['local']}/{info['prefixlen']}"
            for info in link["addr_info"]
            if info["scope"] == "global"
        }
        for address in present.difference(wanted):
            run("ip", "address", "delete", address, "dev", self._interface)
        for address in wanted:
            if address not in present:
                # A tunnel has no neighbours that could have the same address.
                without_asking = ("nodad",) if ":" in address else ()
                run("ip", "address", "add", address, "dev", self._interface, *without_asking)


def _tunnel(service: Service) -> Tunnel:
    return Tunnel(
        preshared_key=service.preshared_key or NO_KEY,
        allowed_ips=frozenset(
            f"{address}/{128 if ':' in address else 32}"
            for address in (service.addresses if service.is_open else ())
        ),
    )


def _section(public_key: str, tunnel: Tunnel) -> str:
    lines = ["[Peer]", f"PublicKey = {public_key}", f"PresharedKey = {tunnel.preshared_key}"]
    if tunnel.allowed_ips:  # wg refuses the whole file for a line without addresses
        lines.append(f"AllowedIPs = {', '.join(sorted(tunnel.allowed_ips))}")
    return "\n".join(lines) + "\n"


def _parts(keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(keys), PEERS_PER_COMMAND):
        yield keys[start : start + PEERS_PER_COMMAND]
