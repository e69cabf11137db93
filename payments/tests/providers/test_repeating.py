"""Which calls are repeated: a GET once, anything else never. Against real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from payments.providers import http as module
from payments.providers.http import HttpOptions, NoAnswer, NotSent, ProviderHttp, RepeatedGet
from tests.waiting import wait_until

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{"a": 1}'
NOBODY_BEHIND = b"HTTP/1.1 503 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
COME_AGAIN = b"HTTP/1.1 503 x\r\nRetry-After: 9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BROKEN = b"HTTP/1.1 500 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HANGS_UP = b""
SILENCE = None
PATIENCE_SECONDS = 0.5  # with a server that says nothing


@contextmanager
def server(*answers: bytes | None) -> Iterator[tuple[str, list[str]]]:
    """Gives one answer per connection, in order; the methods that came."""
    came: list[str] = []
    silent: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)

        def serve() -> None:
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                came.append(connection.recv(65_536).split(b" ")[0].decode())
                if answer is None:
                    silent.append(connection)
                    continue
                connection.sendall(answer)
                connection.close()

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            wait_until(lambda: came, 60)  # whom nobody answers may be gone before he is seen
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=6)
            for connection in silent:
                connection.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEAT_AFTER_SECONDS", (0.0, 0.01))


def call(base_url: str, method: str, read_seconds: float = 20) -> int:
    http = ProviderHttp(base_url, HttpOptions())
    return http.call(method, "/x", read_seconds=read_seconds).status


@pytest.mark.parametrize("first", [HANGS_UP, NOBODY_BEHIND])
def test_a_get_is_repeated_once(first: bytes) -> None:
    with server(first, OK) as (base_url, came):
        assert call(base_url, "GET") == 200
    assert came == ["GET", "GET"]


def test_no_third_time() -> None:
    with server(NOBODY_BEHIND, NOBODY_BEHIND, OK) as (base_url, came):
        assert call(base_url, "GET") == 503
    assert came == ["GET", "GET"]
    with server(HANGS_UP, HANGS_UP, OK) as (base_url, came), pytest.raises(NoAnswer):
        call(base_url, "GET")
    assert came == ["GET", "GET"]


@pytest.mark.parametrize(("first", "status"), [(COME_AGAIN, 503), (BROKEN, 500)])
def test_an_answer_that_says_more_is_taken_as_it_is(first: bytes, status: int) -> None:
    with server(first, OK) as (base_url, came):
        assert call(base_url, "GET") == status
    assert came == ["GET"]


def test_a_get_that_times_out_is_not_repeated() -> None:
    with server(SILENCE, OK) as (base_url, came), pytest.raises(NoAnswer):
        call(base_url, "GET", PATIENCE_SECONDS)
    assert came == ["GET"]


@pytest.mark.parametrize("first", [HANGS_UP, SILENCE])
def test_a_post_without_an_answer_is_sent_once(first: bytes | None) -> None:
    with server(first, OK) as (base_url, came), pytest.raises(NoAnswer):
        call(base_url, "POST", PATIENCE_SECONDS)
    assert came == ["POST"]


def test_a_post_that_finds_nobody_behind_the_gateway_is_sent_once() -> None:
    with server(NOBODY_BEHIND, OK) as (base_url, came):
        assert call(base_url, "POST") == 503
    assert came == ["POST"]


@pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("POST", 1)])
def test_a_connection_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, method: str, tries: int
) -> None:
    tried = []

    def refuse(address: tuple[str, int], *arguments: object, **options: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    with pytest.raises(NotSent):
        call("http://127.0.0.1:9", method)
    assert len(tried) == tries


def test_who_failed_together_does_not_come_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEAT_AFTER_SECONDS", (0.2, 1.0))
    waits = {RepeatedGet().get_backoff_time() for _ in range(20)}
    assert len(waits) == 20
    assert all(0.2 <= wait <= 1 for wait in waits)
