"""A gateway without packets, for a machine without root: it serves in words, and nobody sends a byte."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from vpn.agent.backend import Bytes, Pair, Reading, Service
from vpn.agent.state import Gateway
from vpn.agent.store import read_json, write_json

logger = logging.getLogger(__name__)


class DryRun:
    """Its counters live in a file, so that they outlive the agent as the kernel's do."""

    name = "dry-run"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "dry-run.json"
        self._epoch = ""
        self._pairs: set[Pair] = set()
        self._services: dict[int, Service] = {}

    def open(self) -> str:
        kept = read_json(self._file) or {"epoch": secrets.token_hex(16), "pairs": []}
        self._epoch = str(kept["epoch"])
        self._pairs = {(peer, group) for peer, group in kept["pairs"]}
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
        for peer, service in services.items():
            if service is None:
                self._services.pop(peer, None)
                continue
            self._services[peer] = service
            self._pairs.add((peer, service.group))
        self._keep()

    def audit(
        self,
        services: Mapping[int, Service],
        allowances: Mapping[int, int],
        counted: Mapping[Pair, Bytes],
    ) -> int:
        self._services = dict(services)
        self._pairs |= {(peer, service.group) for peer, service in services.items()}
        self._keep()
        return 0

    def is_whole(self) -> bool:
        return True

    def spent(self) -> frozenset[int]:
        return frozenset()

    def read(self) -> Reading:
        return Reading(
            epoch=self._epoch,
            counters=dict.fromkeys(self._pairs, Bytes(0, 0)),
            handshakes={service.public_key: 0 for service in self._services.values()},
        )

    def retire(self, keep: AbstractSet[Pair]) -> None:
        if not self._pairs <= keep:
            self._pairs &= keep
            self._keep()

    def _keep(self) -> None:
        write_json(self._file, {"epoch": self._epoch, "pairs": sorted(self._pairs)})
