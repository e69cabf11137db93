"""The HTTP client against real sockets: what was surely not sent, and what may have been."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from payments.providers.http import Exchange, HttpOptions, NoAnswer, NotSent, ProviderHttp, redact

BODY = b'{"Amount": 1}'


@contextmanager
def server(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Takes one connection, reads the whole request, sends the bytes and hangs up."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                request = b""
                while not request.endswith(BODY):
                    request += connection.recv(65_536)
                received.append(request)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
        finally:
            thread.join(timeout=5)


def post(base_url: str, options: HttpOptions | None = None) -> Exchange:
    http = ProviderHttp(base_url, options or HttpOptions())
    return http.call("POST", "/pay", json_body={"Amount": 1}, read_seconds=20)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"\x00\x01\x02",
    ],
)
def test_a_broken_answer_is_no_answer(answer: bytes) -> None:
    with server(answer) as (base_url, received), pytest.raises(NoAnswer):
        post(base_url)
    assert received[0].startswith(b"POST /pay")


def test_an_answer_that_drips_is_no_answer_when_the_time_is_over() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    stopped = Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(head)
                while not stopped.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = Thread(target=drip)
        thread.start()
        http = ProviderHttp(f"http://127.0.0.1:{listener.getsockname()[1]}", HttpOptions())
        try:
            with pytest.raises(NoAnswer):
                http.call("POST", "/", json_body={"Amount": 1}, read_seconds=0.3)
        finally:
            stopped.set()
            thread.join(timeout=5)


def test_a_port_where_nobody_listens_proves_that_nothing_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(NotSent) as caught:
        post(base_url)
    assert caught.value.request["url"] == f"{base_url}/pay"


@pytest.mark.parametrize(
    ("base_url", "options"),
    [
        ("", HttpOptions()),
        ("ftp://provider.example", HttpOptions()),
        ("https://provider.example:99999", HttpOptions()),
        ("https://provider.example", HttpOptions(ca_bundle="no-such-file.pem")),
    ],
)
def test_a_wrong_setting_is_a_failed_call_and_no_crash(base_url: str, options: HttpOptions) -> None:
    with pytest.raises(NoAnswer):
        post(base_url, options)


def test_an_answer_of_repeated_names_is_not_read() -> None:
    body = b'{"ResponseCode":"1","ResponseCode":"0"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with server(head + body) as (base_url, _):
        exchange = post(base_url)
    assert exchange.json is None
    assert exchange.response == {"status": 200, "body": body.decode()}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (255754123456, "255754***456"),
        (255754123456.0, "255754***456"),
        ("+255754123456", "255754***456"),
        ("0754123456", "0754***456"),
        ("682345678", "682***678"),
        ("Number 255754123456 is barred.", "Number 255754***456 is barred."),
        ("MP210603.1234.L06941", "MP210603.1234.L06941"),
        ("29115-734620561-1", "29115-734620561-1"),
        ("ws_CO_24112026101530123", "ws_CO_24112026101530123"),
        (5000, 5000),
        (5000.5, 5000.5),
        (20261124101602, 20261124101602),
        (True, True),
        (None, None),
    ],
)
def test_phone_numbers_are_masked_and_nothing_else(value: object, shown: object) -> None:
    assert redact(value) == shown


def test_secrets_are_blanked_by_name_and_by_value() -> None:
    body = {"Password": 12345678, "Items": [{"access_token": "x"}], "255754123456": "the-secret!"}
    assert redact(body, ["the-secret"]) == {
        "Password": "[redacted]",
        "Items": [{"access_token": "[redacted]"}],
        "255754***456": "[redacted]!",
    }
    assert json.dumps(redact(body))
