"""The real back-end: WireGuard, nftables and tc of this machine, in the order that loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from vpn.agent import host
from vpn.agent.backend import Bytes, Pair, Reading, Service
from vpn.agent.commands import Running
from vpn.agent.firewall import Firewall
from vpn.agent.shaping import Shaping
from vpn.agent.state import Gateway
from vpn.agent.wireguard import Steps, WireGuard


class Kernel:
    name = "wireguard"

    def __init__(self, interface: str, *, private_key_file: Path, public_key: str) -> None:
        self._interface = interface
        self._wireguard = WireGuard(
            interface, private_key_file=private_key_file, public_key=public_key
        )
        self._firewall = Firewall(interface)
        self._shaping = Shaping(interface)
        self._gateway: Gateway | None = None  # as it is configured

    def open(self) -> str:
        return self._firewall.open()

    def configure(self, gateway: Gateway) -> None:
        # The rules come first: there is no moment at which the interface is up without them.
        self._firewall.write_rules(gateway.addresses, host.neighbours(self._interface))
        self._shaping.forget()
        self._wireguard.configure(gateway)
        host.forward()
        host.count_single_packets(self._interface)
        self._gateway = gateway

    def apply(
        self,
        services: Mapping[int, Service | None],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> None:
        self._put(self._wireguard.steps(services), services, allowances, counted)

    def audit(
        self,
        services: Mapping[int, Service],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> int:
        self._wireguard.load()
        self._firewall.load()
        repairs = 0
        if self._gateway and not self._firewall.has_our_rules():
            repairs += 1
            self.configure(self._gateway)
            self._firewall.load()
        strangers = (self._firewall.known_peers() | self._shaping.classes.keys()) - services.keys()
        wanted: dict[int, Service | None] = {**services, **dict.fromkeys(strangers)}
        steps = self._wireguard.steps_of_all(services)
        return repairs + self._put(steps, wanted, allowances, counted)

    def is_whole(self) -> bool:
        return self._wireguard.is_whole()

    def spent(self) -> frozenset[int]:
        return self._firewall.spent()

    def read(self) -> Reading:
        epoch, counters = self._firewall.read()
        return Reading(epoch, counters, self._wireguard.handshakes())

    def retire(self, keep: AbstractSet[Pair]) -> None:
        self._firewall.retire(keep)

    def _put(
        self,
        steps: Steps,
        services: Mapping[int, Service | None],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> int:
        """Do what has to be done: how much that was in WireGuard and in the firewall."""
        self._shaping.apply(services)
        # Whoever goes is gone before somebody else gets the address. What then has to be done by
        # nft and by wg is done at once: with 10,000 peers nft needs 86 ms for one, wg 3 ms.
        self._wireguard.close(steps)
        adding = self._wireguard.begin_to_add(steps)
        try:
            changes = self._firewall.changes(services, allowances, self._shaping.classes)
            _finish(self._firewall.begin_to_apply(changes, counted))
            self._firewall.applied(changes)
        finally:
            _finish(adding)
        self._wireguard.added(steps, services)
        return len(steps) + len(changes)


def _finish(running: Running | None) -> None:
    if running is not None:
        running.finish()
