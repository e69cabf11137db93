"""Sends one request over and over on kept connections, cheaply enough not to be what is measured."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import ExitStack
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


def answers_per_second(port: int, request: bytes, *, connections: int, seconds: float) -> float:
    """How many requests are answered 200 in a second while each connection always has one asked.

    Raises NoAnswer.
    """
    with ExitStack() as stack, DefaultSelector() as readable:
        for _ in range(connections):
            asked = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            asked.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            readable.register(asked, EVENT_READ, (asked, bytearray()))
            asked.sendall(request)
        answers, began = 0, perf_counter()
        while perf_counter() - began < seconds:
            ready = readable.select(PATIENCE_SECONDS)
            if not ready:
                raise NoAnswer(f"nothing within {PATIENCE_SECONDS} s")
            for key, _ in ready:
                asked, heard = key.data
                heard += asked.recv(65536)
                if _is_whole(heard):
                    answers += 1
                    heard.clear()
                    asked.sendall(request)
        return answers / (perf_counter() - began)


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
