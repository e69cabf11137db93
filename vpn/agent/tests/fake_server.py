"""A server that speaks docs/agent-protocol.md, from the page and not from the agent's code."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Peer = dict[str, Any]

SECRET, TOKEN = "1.not-a-real-secret", "not-a-real-token"


class FakeServer:
    """Holds what one gateway is to serve, and believes its reports as the real one does."""

    def __init__(self, gateway: dict[str, Any]) -> None:
        self.gateway = gateway
        self.public_key: str | None = None
        self.reports: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.loses = 0  # so many of the next reports are taken, but their answers get lost
        self.lies = 0  # so many of the next states come with a wrong digest
        self.knows_the_gateway = True
        self.questions: list[dict[str, str]] = []
        self.states_told: list[float] = []  # when each had been sent, seconds since 1970
        self._peers: dict[int, Peer] = {}
        self._past: dict[int, dict[int, Peer]] = {0: {}}
        self._digests = {0: _digest({})}
        self._counters: dict[tuple[str, int, int], list[int]] = {}
        self._changed = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.port = int(self._http.server_address[1])
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def revision(self) -> int:
        return max(self._past)

    @contextmanager
    def change(self) -> Iterator[dict[int, Peer]]:
        """Change the peers inside a `with` block; the agent hears of it at its end."""
        with self._changed:
            yield self._peers
            now = {number: dict(peer) for number, peer in self._peers.items()}
            revision = self.revision + 1
            self._past[revision], self._digests[revision] = now, _digest(now)
            self._changed.notify_all()

    def serve(self, *peers: Peer) -> None:
        with self.change() as wanted:
            wanted.update({peer["id"]: peer for peer in peers})

    def drop(self, *numbers: int) -> None:
        with self.change() as wanted:
            for number in numbers:
                del wanted[number]

    def passed(self, group: int) -> tuple[int, int]:
        """Bytes up and down of a group over all epochs, each counted once."""
        rows = [row for (_, _, g), row in self._counters.items() if g == group]
        return sum(row[0] for row in rows), sum(row[1] for row in rows)

    def used(self, group: int) -> int:
        return sum(self.passed(group))

    def epochs(self) -> set[str]:
        return {epoch for epoch, _, _ in self._counters}

    def answer_state(self, query: dict[str, str]) -> dict[str, Any] | None:
        deadline = time.monotonic() + float(query.get("wait", 0))
        with self._changed:
            while True:
                asked = int(query["revision"]) if "revision" in query else None
                past = self._past.get(asked) if asked is not None else None
                fits = asked in self._digests and self._digests[asked] == query.get("digest")
                if asked != self.revision or not fits:
                    return self._state(query["epoch"], asked if fits else None, past or {})
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def _state(self, epoch: str, base: int | None, past: dict[int, Peer]) -> dict[str, Any]:
        now = self._past[self.revision]
        digest = self._digests[self.revision]
        if self.lies > 0:
            self.lies -= 1
            digest = "f" * 64
        before = past if base is not None else {}
        upsert = [peer for number, peer in now.items() if before.get(number) != peer]
        used: dict[str, int] = {}
        for group in {peer["group"] for peer in upsert}:
            elsewhere = sum(
                row[0] + row[1]
                for (e, _, g), row in self._counters.items()
                if g == group and e != epoch
            )
            if elsewhere:
                used[str(group)] = elsewhere
        return {
            "revision": self.revision,
            "base": base,
            "digest": digest,
            "count": len(now),
            "gateway": self.gateway,
            "upsert": upsert,
            "remove": [number for number in before if number not in now],
            "used_before": used,
        }

    def take_report(self, body: bytes) -> dict[str, Any]:
        report = json.loads(body)
        with self._changed:
            self.bodies.append(body)
            self.reports.append(report)
            for peer, group, up, down, _ in report["counters"]:
                row = self._counters.setdefault((report["epoch"], peer, group), [0, 0])
                row[:] = [max(row[0], up), max(row[1], down)]
        return {"sequence": report["sequence"], "unknown": []}


def _digest(peers: dict[int, Peer]) -> str:
    total = 0
    for peer in peers.values():
        fields = {name: value for name, value in peer.items() if name != "id"}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        total += int(hashlib.sha256(text.encode()).hexdigest(), 16)
    return f"{total % 2**256:064x}"


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            server.questions.append(query)
            if not self._is_known():
                return
            state = server.answer_state(query)
            self._answer(204 if state is None else 200, state)
            if state is not None:
                server.states_told.append(time.time())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/agent/v1/enrol":
                asked = json.loads(body)
                if asked["token"] != TOKEN:
                    self._answer(401, {"success": False, "message": "no", "code": "refused"})
                    return
                server.public_key = asked["public_key"]
                self._answer(201, {"gateway_id": 1, "secret": SECRET})
                return
            if not self._is_known():
                return
            answer = server.take_report(body)
            if server.loses > 0:
                server.loses -= 1
                self.close_connection = True
                return
            self._answer(200, answer)

        def _is_known(self) -> bool:
            if server.knows_the_gateway and self.headers["Authorization"] == f"Bearer {SECRET}":
                return True
            self._answer(401, {"success": False, "message": "who?", "code": "gateway_unknown"})
            return False

        def _answer(self, status: int, body: Any) -> None:
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if content:
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    return Handler
