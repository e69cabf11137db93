"""What the agent asks of whatever carries the packets: the kernel, or nothing in a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from vpn.agent.state import Gateway

Pair = tuple[int, int]  # (peer, group): a device while it belongs to a subscription


class Bytes(NamedTuple):
    """Inner IP bytes since the epoch began, from and to the customer."""

    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Service:
    """How one peer is to be served now."""

    public_key: str
    preshared_key: str | None
    addresses: tuple[str, ...]  # canonical, without a length
    group: int
    kbps: int  # each way; 0 is no limit
    is_open: bool  # False once its time is over: session and counters live on, packets do not pass


@dataclass(frozen=True, slots=True)
class Reading:
    epoch: str
    counters: Mapping[Pair, Bytes]
    handshakes: Mapping[str, int]  # by public key, seconds since 1970; 0 for never


class BackendFailed(Exception):
    """Something could not be put into force or read; `str()` says what and holds no key."""


class CountersLost(BackendFailed):
    """The counters are gone, and their epoch with them: `open` begins another one."""


class Backend(Protocol):
    """Every method may raise BackendFailed; each is safe to repeat."""

    name: str

    def open(self) -> str:
        """Adopt the counters that are there, or begin new ones: their epoch."""

    def configure(self, gateway: Gateway) -> None:
        """Make the interface what the gateway's settings say, making it if it is absent."""

    def apply(
        self,
        services: Mapping[int, Service | None],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> None:
        """Serve these peers so, None not at all, and give these groups so many bytes in the epoch.

        `counted` is what is known of the epoch, for counters and quotas that have to be made anew.
        """

    def audit(
        self,
        services: Mapping[int, Service],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> int:
        """Compare all that is in force with all that should be: how many differences were mended."""

    def is_whole(self) -> bool:
        """Whether the interface is still the one that was configured; asked each second."""

    def spent(self) -> frozenset[int]:
        """The groups whose allowance has stopped a packet; asked each second."""

    def read(self) -> Reading:
        """All counters and handshakes."""

    def retire(self, keep: AbstractSet[Pair]) -> None:
        """Forget counters that are read for the last time, of all pairs but these."""
