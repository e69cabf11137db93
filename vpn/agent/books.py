"""What passed, by epoch, peer and group: kept on disk until the server has it, reported in order.

Counters are absolute, so nothing here is ever added up twice. Used by two threads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vpn.agent.backend import Bytes, Pair
from vpn.agent.store import read_json, write_json


class Row(NamedTuple):
    up: int
    down: int
    last_handshake: int  # seconds since 1970; 0 for never


Rows = dict[Pair, Row]


@dataclass(frozen=True, slots=True)
class Report:
    sequence: int
    body: bytes


class Books:
    """Readings go in, reports come out; one report is under way at a time."""

    def __init__(self, folder: Path) -> None:
        self._rows_file = folder / "counters.json"
        self._report_file = folder / "report.json"
        self._lock = threading.Lock()
        kept = read_json(self._rows_file) or {}
        self._rows: dict[str, Rows] = {epoch: _rows(rows) for epoch, rows in kept.items()}
        # What the server has; after a restart it is told all once more, which changes nothing.
        self._told: dict[str, Rows] = {}
        report = read_json(self._report_file) or {"sequence": 0, "body": None}
        self._sequence: int = report["sequence"]
        self._under_way: Report | None = None
        if report["body"] is not None:
            self._under_way = Report(self._sequence, report["body"].encode())

    def record(
        self, epoch: str, counters: Mapping[Pair, Bytes], handshakes: Mapping[Pair, int]
    ) -> None:
        """Keep a reading durably. Pairs that it does not have any more keep their last figures."""
        with self._lock:
            known = self._rows.setdefault(epoch, {})
            rows = {
                pair: Row(
                    passed.up,
                    passed.down,
                    # WireGuard forgets it with the interface, the customer was here all the same.
                    max(
                        handshakes.get(pair, 0), known[pair].last_handshake if pair in known else 0
                    ),
                )
                for pair, passed in counters.items()
            }
            if any(known.get(pair) != row for pair, row in rows.items()):
                known.update(rows)
                self._keep_rows()

    def counted(self, epoch: str) -> dict[Pair, Bytes]:
        """The last known bytes of each pair in the epoch."""
        with self._lock:
            return {
                pair: Bytes(row.up, row.down) for pair, row in self._rows.get(epoch, {}).items()
            }

    def used(self, epoch: str) -> dict[int, int]:
        """The last known bytes of each group in the epoch."""
        used: dict[int, int] = {}
        for (_, group), passed in self.counted(epoch).items():
            used[group] = used.get(group, 0) + passed.up + passed.down
        return used

    def has_untold(self, *, besides: str) -> bool:
        """Whether the server lacks something of an epoch other than this one."""
        with self._lock:
            return any(self._untold(epoch) for epoch in self._rows if epoch != besides)

    def under_way(self) -> Report | None:
        """The report that the server has not confirmed: to the byte what was sent, if it was."""
        with self._lock:
            return self._under_way

    def compose(self, epoch: str, about: Mapping[str, Any]) -> None:
        """Make the next report, of the oldest epoch that is not told, or of `epoch`. Durable.

        Nothing happens while another one is under way.
        """
        with self._lock:
            if self._under_way is not None:
                return
            past = (e for e in self._rows if e != epoch and self._untold(e))
            chosen = next(past, epoch)
            self._sequence += 1
            counters = [[*pair, *row] for pair, row in sorted(self._untold(chosen).items())]
            body = json.dumps(
                {"epoch": chosen, "sequence": self._sequence, **about, "counters": counters},
                separators=(",", ":"),
            )
            # On disk before it is sent: its number is never given to other figures.
            write_json(self._report_file, {"sequence": self._sequence, "body": body})
            self._under_way = Report(self._sequence, body.encode())

    def confirmed(self, report: Report) -> None:
        """The server has it."""
        with self._lock:
            if self._under_way != report:
                return
            body = json.loads(report.body)
            self._told.setdefault(body["epoch"], {}).update(_rows(body["counters"]))
            write_json(self._report_file, {"sequence": self._sequence, "body": None})
            self._under_way = None

    def abandon(self, report: Report) -> None:
        """The server will never take it: its figures go into the next one."""
        with self._lock:
            if self._under_way == report:
                write_json(self._report_file, {"sequence": self._sequence, "body": None})
                self._under_way = None

    def close_epochs(self, *, besides: str) -> None:
        """Forget epochs that the server has all of."""
        with self._lock:
            done = [epoch for epoch in self._rows if epoch != besides and not self._untold(epoch)]
            if done:
                for epoch in done:
                    del self._rows[epoch]
                    self._told.pop(epoch, None)
                self._keep_rows()

    def _untold(self, epoch: str) -> Rows:
        told = self._told.get(epoch, {})
        return {p: row for p, row in self._rows.get(epoch, {}).items() if told.get(p) != row}

    def _keep_rows(self) -> None:
        write_json(
            self._rows_file,
            {
                epoch: [[*pair, *row] for pair, row in rows.items()]
                for epoch, rows in self._rows.items()
            },
        )


def _rows(lists: Iterable[list[int]]) -> Rows:
    return {(peer, group): Row(*row) for peer, group, *row in lists}
