"""A gateway without packets, for a machine without root: it serves in words, and counts by the clock."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from vpn.agent.backend import Bytes, Pair, Reading, Service
from vpn.agent.state import Gateway
from vpn.agent.store import read_json, write_json

logger = logging.getLogger(__name__)

FIRST_USE_SECONDS = 15.0  # from being served to being connected: somebody has to scan the code
BYTES_PER_KBIT = 125
SENT_SHARE = 10  # a tenth of what a device uses is sent, the rest received


class DryRun:
    """Each device that is served uses `kbps` kbit/s until its allowance is used up; 0 is no byte.

    Its counters live in a file, so that they outlive the agent as the kernel's do.
    """

    name = "dry-run"

    def __init__(self, folder: Path, *, kbps: int = 0) -> None:
        self._file = folder / "dry-run.json"
        self._kbps = kbps
        self._epoch = ""
        self._used: dict[Pair, int] = {}
        self._services: dict[int, Service] = {}
        self._allowances: dict[int, int] = {}
        self._connects_at: dict[int, float] = {}  # by the monotonic clock
        self._counted_at = 0.0

    def open(self) -> str:
        kept = read_json(self._file) or {}
        self._epoch = str(kept.get("epoch") or secrets.token_hex(16))
        self._used = {(peer, group): used for peer, group, used in kept.get("counters", [])}
        self._counted_at = time.monotonic()
        self._keep()
        return self._epoch

    def configure(self, gateway: Gateway) -> None:
        logger.info("Dry run of %s: no packet will pass.", gateway.name)

    def apply(
        self,
        services: Mapping[int, Service | None],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> None:
        self._count()
        for peer, service in services.items():
            if service is None:
                self._services.pop(peer, None)
                self._connects_at.pop(peer, None)
            else:
                self._serve(peer, service)
        self._allowances.update(allowances)
        self._keep()

    def audit(
        self,
        services: Mapping[int, Service],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> int:
        gone: dict[int, Service | None] = dict.fromkeys(self._services.keys() - services.keys())
        self.apply({**services, **gone}, allowances, counted)
        return 0

    def is_whole(self) -> bool:
        return True

    def spent(self) -> frozenset[int]:
        used = self._used_by_group()
        return frozenset(
            group for group, most in self._allowances.items() if 0 < most <= used[group]
        )

    def read(self) -> Reading:
        self._count()
        if self._kbps:
            self._keep()
        now = time.monotonic()
        return Reading(
            epoch=self._epoch,
            counters={
                pair: Bytes(used // SENT_SHARE, used - used // SENT_SHARE)
                for pair, used in self._used.items()
            },
            handshakes={
                service.public_key: int(time.time()) if self._is_connected(peer, now) else 0
                for peer, service in self._services.items()
            },
        )

    def retire(self, keep: AbstractSet[Pair]) -> None:
        if not self._used.keys() <= keep:
            self._used = {pair: used for pair, used in self._used.items() if pair in keep}
            self._keep()

    def _serve(self, peer: int, service: Service) -> None:
        self._services[peer] = service
        self._connects_at.setdefault(peer, time.monotonic() + FIRST_USE_SECONDS)
        self._used.setdefault((peer, service.group), 0)

    def _is_connected(self, peer: int, now: float) -> bool:
        is_time = now >= self._connects_at[peer]
        return bool(self._kbps) and is_time and self._services[peer].is_open

    def _count(self) -> None:
        """Add what the connected devices have used since the last time, within their allowances."""
        now = time.monotonic()
        since, self._counted_at = self._counted_at, now
        by_group = self._used_by_group()
        for peer, service in self._services.items():
            if not self._is_connected(peer, now):
                continue
            seconds = now - max(since, self._connects_at[peer])
            kbps = min(self._kbps, service.kbps or self._kbps)
            left = self._allowances.get(service.group, 0) - by_group[service.group]
            used = max(0, min(int(seconds * kbps * BYTES_PER_KBIT), left))
            self._used[peer, service.group] += used
            by_group[service.group] += used

    def _used_by_group(self) -> Counter[int]:
        used: Counter[int] = Counter()
        for (_, group), passed in self._used.items():
            used[group] += passed
        return used

    def _keep(self) -> None:
        counters = [[*pair, used] for pair, used in sorted(self._used.items())]
        write_json(self._file, {"epoch": self._epoch, "counters": counters})
