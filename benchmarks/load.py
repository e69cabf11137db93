"""Sends requests without end on kept connections, cheaply enough not to be what is measured."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector
from time import perf_counter

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
PATIENCE_SECONDS = 10


class NoAnswer(Exception):
    """The server said something else than 200, or nothing; `str()` tells what."""


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole POST as it goes over the wire."""
    lines = [f"POST /{path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """A whole GET as it goes over the wire."""
    lines = [f"GET /{path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Answers:
    """How many requests were answered 200, in how many seconds."""

    count: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


def answers_to(
    port: int, requests: Iterator[bytes], *, connections: int, seconds: float
) -> Answers:
    """Ask one after the other on each connection for so long, then wait for what is still asked.

    Raises NoAnswer.
    """
    with ExitStack() as stack, DefaultSelector() as readable:
        for _ in range(connections):
            asked = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            asked.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            readable.register(asked, EVENT_READ, (asked, bytearray()))
            asked.sendall(next(requests))
        count, waiting, began = 0, connections, perf_counter()
        while waiting:
            ready = readable.select(PATIENCE_SECONDS)
            if not ready:
                raise NoAnswer(f"nothing within {PATIENCE_SECONDS} s")
            for key, _ in ready:
                asked, heard = key.data
                heard += asked.recv(65536)
                if not _is_whole(heard):
                    continue
                count += 1
                heard.clear()
                if perf_counter() - began < seconds:
                    asked.sendall(next(requests))
                else:
                    readable.unregister(asked)
                    waiting -= 1
        return Answers(count, perf_counter() - began)


def _is_whole(heard: bytearray) -> bool:
    """Whether an answer has arrived to its last byte. Raises NoAnswer unless it is a 200."""
    if not heard.startswith(b"HTTP/1.1 200"):
        raise NoAnswer(bytes(heard[:200]).decode(errors="replace") or "the connection was closed")
    head = heard.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = CONTENT_LENGTH.search(heard, 0, head + 2)
    if length is None:
        raise NoAnswer("an answer without Content-Length")
    return len(heard) >= head + 4 + int(length[1])
