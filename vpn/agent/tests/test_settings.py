"""The environment, and the sentence for each way in which it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpn.agent.settings import Settings, WrongSettings, read_settings

RIGHT = {
    "KONEKTIKA_URL": "https://konektika.example/",
    "GATEWAY_SECRET_FILE": "/etc/konektika/secret",
    "GATEWAY_STATE_DIR": "/var/lib/konektika",
}


def test_what_may_be_left_out_has_the_usual_value() -> None:
    assert read_settings(RIGHT) == Settings(
        url="https://konektika.example",
        secret_file=Path("/etc/konektika/secret"),
        interface="wg0",
        backend="wireguard",
        state_dir=Path("/var/lib/konektika"),
        dry_run_kbps=0,
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://localhost"])
def test_this_machine_may_be_called_without_tls(url: str) -> None:
    assert read_settings(RIGHT | {"KONEKTIKA_URL": url}).url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KONEKTIKA_URL", ""),
        ("KONEKTIKA_URL", "konektika.example"),
        ("KONEKTIKA_URL", "ftp://konektika.example"),
        ("KONEKTIKA_URL", "http://konektika.example"),
        ("KONEKTIKA_URL", "http://127.0.0.1.example.com"),
        ("GATEWAY_SECRET_FILE", " "),
        ("GATEWAY_STATE_DIR", ""),
        ("GATEWAY_BACKEND", "kernel"),
        ("GATEWAY_DRY_RUN_KBPS", "fast"),
        ("GATEWAY_INTERFACE", "wg0; drop"),
        ("GATEWAY_INTERFACE", "a-name-that-is-too-long"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(WrongSettings, match=name):
        read_settings(RIGHT | {name: value})
