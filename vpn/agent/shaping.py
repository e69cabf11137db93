"""Plan speeds towards the customer, by HTB classes on the WireGuard interface.

nftables puts each packet into its customer's class by its priority (firewall.py), so tc needs no
filter, and a packet's class is found at once among 10,000. The other way, nftables drops what is
above the plan's speed: behind the masquerade an uplink's queue knows no customers any more, there
may be several uplinks, and the kernel needs neither an ifb device nor a second tree of classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from vpn.agent.backend import BackendFailed, Service
from vpn.agent.commands import run, succeeds

_MOST_CLASSES = 0xFFFE  # a class's number has 16 bits
_QUEUE_MILLISECONDS = 300  # how long a packet may wait before the queue is full
_PACKET_BYTES = 1280


class Shaping:
    """Without a plan that has a speed, tc is not touched."""

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self._classes: dict[int, tuple[int, int]] = {}  # peer: (class, kbps)
        self._next = 1

    @property
    def classes(self) -> dict[int, int]:
        """The class of each peer that has one."""
        return {peer: number for peer, (number, _) in self._classes.items()}

    def forget(self) -> None:
        """The interface is another one, or not known yet: its classes are made anew."""
        self._classes.clear()
        self._next = 1

    def apply(self, services: Mapping[int, Service | None]) -> None:
        classes = dict(self._classes)
        taken = {number for number, _ in classes.values()}
        lines: list[str] = []
        for peer, service in services.items():
            wanted = service.kbps if service else 0
            number, kbps = classes.get(peer, (0, 0))
            if wanted == kbps:
                continue
            if not wanted:
                del classes[peer]
                lines.append(f"class delete dev {self._interface} parent 1: classid 1:{number:x}")
                continue
            if not number:
                number = self._free_number(taken)
                taken.add(number)
            classes[peer] = (number, wanted)
            lines += self._class(number, wanted)
        if lines:
            self._run(lines)
            self._classes = classes

    def _run(self, lines: list[str]) -> None:
        if not self._classes:
            succeeds("tc", "qdisc", "delete", "dev", self._interface, "root")
            lines = [f"qdisc add dev {self._interface} root handle 1: htb", *lines]
        try:
            run("tc", "-batch", "-", fed="\n".join(lines) + "\n")
        except BackendFailed:
            self.forget()  # how far tc came is not known
            raise

    def _class(self, number: int, kbps: int) -> list[str]:
        waiting = max(kbps * _QUEUE_MILLISECONDS // 8 // _PACKET_BYTES, 20)
        return [
            f"class replace dev {self._interface} parent 1: classid 1:{number:x}"
            f" htb rate {kbps}kbit quantum 1514",
            f"qdisc replace dev {self._interface} parent 1:{number:x} pfifo limit {waiting}",
        ]

    def _free_number(self, taken: AbstractSet[int]) -> int:
        """Upwards and round again: a number that was just freed is not met by late packets."""
        if len(taken) >= _MOST_CLASSES:
            raise BackendFailed(f"tc has no more than {_MOST_CLASSES} classes")
        while self._next in taken:
            self._next = self._next % _MOST_CLASSES + 1
        return self._next
