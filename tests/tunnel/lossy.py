"""A way to the server on which reports get lost, and come twice where they come at all."""

from __future__ import annotations

from contextlib import closing
from enum import Enum, auto
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread
from typing import NamedTuple, Self

REPORT = "/agent/v1/report"
TIMES = 2
PATIENCE_SECONDS = 60  # longer than the server holds a question
OF_EACH_HOP = {"connection", "transfer-encoding", "content-length"}


class Fate(Enum):
    ARRIVES = auto()
    IS_LOST = auto()  # the server never gets it
    IS_UNANSWERED = auto()  # the server takes it, and its answer is lost


OF_TEN_REPORTS = (
    Fate.ARRIVES,
    Fate.IS_LOST,
    Fate.IS_UNANSWERED,  # the same one again
    *[Fate.ARRIVES] * 3,
    Fate.IS_UNANSWERED,
    *[Fate.ARRIVES] * 3,
)


class LossyWay:
    """`with LossyWay(to_port=8000) as way:`, a port of this machine's loopback; all else passes."""

    def __init__(self, *, to_port: int) -> None:
        self.to_port = to_port
        self.lost: list[bytes] = []
        self.unanswered: list[bytes] = []
        self.taken: list[bytes] = []  # by the server, as often as it has said so
        self.fates = cycle(OF_TEN_REPORTS)
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self.port = int(self._http.server_address[1])
        Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """An agent that is killed waits for no answer."""


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    content: bytes


def _handler(way: LossyWay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._give(self._ask(None))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == REPORT:
                self._report(body, next(way.fates))
            else:
                self._give(self._ask(body))

        def _report(self, body: bytes, fate: Fate) -> None:
            if fate is Fate.IS_LOST:
                way.lost.append(body)
                self.close_connection = True
                return
            answers = [self._ask(body) for _ in range(TIMES)]
            way.taken += [body for answer in answers if answer.status == 200]
            if fate is Fate.IS_UNANSWERED:
                way.unanswered.append(body)
                self.close_connection = True
                return
            self._give(answers[-1])

        def _ask(self, body: bytes | None) -> _Answer:
            """What the server answers to this question."""
            with closing(HTTPConnection("127.0.0.1", way.to_port, PATIENCE_SECONDS)) as server:
                server.request(self.command, self.path, body, dict(self.headers))
                answer = server.getresponse()
                return _Answer(answer.status, answer.getheaders(), answer.read())

        def _give(self, answer: _Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                if name.lower() not in OF_EACH_HOP:
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
