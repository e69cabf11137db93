"""The merchant's side of the wire: hears callbacks and answers each as its dialect's adapter does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from payments.providers.base import Acknowledgement

Answering = Callable[[bytes, Mapping[str, str]], Acknowledgement]


@dataclass(frozen=True, slots=True)
class Heard:
    """One call as it came."""

    path: str
    body: bytes
    headers: Mapping[str, str]


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # everybody calls at once, and a connection that waits comes too late


class Ear:
    """A server on a free port, until it is closed."""

    def __init__(self) -> None:
        self._heard: list[Heard] = []
        self._answers: dict[str, Answering] = {}
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, beginning: str, answering: Answering) -> None:
        """How to answer at paths that begin so; where several do, the longest beginning decides."""
        self._answers[beginning] = answering

    def heard(self, beginning: str) -> list[Heard]:
        """What came to such paths so far, in its order."""
        with self._lock:
            return [each for each in self._heard if each.path.startswith(beginning)]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _reply(self, heard: Heard) -> Acknowledgement:
        with self._lock:
            self._heard.append(heard)
        beginnings = [each for each in self._answers if heard.path.startswith(each)]
        return self._answers[max(beginnings, key=len)](heard.body, heard.headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = ear._reply(Heard(self.path, body, dict(self.headers)))
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Says nothing: the simulator logs its calls."""

        return Handler
