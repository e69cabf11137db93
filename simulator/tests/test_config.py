"""What the environment makes of the simulator."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from simulator.config import ConfigError, from_environment
from simulator.keys import KeyPair, key_pair
from simulator.store import Store

TIGO = {
    "TIGO_PESA_API_KEY": "fake-user",
    "TIGO_PESA_SECRET": "fake-password",
    "TIGO_PESA_BILLER_MSISDN": "255710000100",
    "TIGO_PESA_BILLER_CODE": "KNK",
    "TIGO_PESA_CALLBACK_URL": "http://127.0.0.1:8000/hook",
}
OPENAPI = {"MPESA_OPENAPI_API_KEY": "fake", "MPESA_OPENAPI_SERVICE_PROVIDER_CODE": "000000"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "simulator.sqlite3")
    yield opened
    opened.close()


def test_nothing_to_simulate_is_said() -> None:
    with pytest.raises(ConfigError, match="MPESA_OPENAPI_API_KEY"):
        from_environment({})


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"TIGO_PESA_BILLER_CODE": ""}, "TIGO_PESA_BILLER_CODE"),
        ({"MPESA_OPENAPI_API_KEY": "fake"}, "MPESA_OPENAPI_SERVICE_PROVIDER_CODE"),
        ({**OPENAPI, "MPESA_OPENAPI_MODE": "later"}, "MPESA_OPENAPI_MODE"),
        ({"SIMULATOR_PORT": "0"}, "SIMULATOR_PORT"),
    ],
)
def test_half_a_set_and_a_wrong_word_are_named(more: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        from_environment({**TIGO, **more})


def test_bills_are_asked_about_beside_the_callback_unless_told_otherwise() -> None:
    tigo = from_environment(TIGO).tigo
    assert tigo is not None
    assert tigo.w2a_url == "http://127.0.0.1:8000/hook/w2a"
    told = from_environment({**TIGO, "SIMULATOR_TIGO_PESA_W2A_URL": "http://x/w2a"}).tigo
    assert told is not None
    assert told.w2a_url == "http://x/w2a"


def test_the_open_api_calls_back_where_mpesa_is_told_to() -> None:
    shared = {**OPENAPI, "MPESA_CALLBACK_URL": "http://127.0.0.1:8000/hook"}
    openapi = from_environment(shared).openapi
    assert openapi is not None
    assert (openapi.callback_url, openapi.mode, openapi.origin) == (
        "http://127.0.0.1:8000/hook",
        "sync",
        "*",
    )
    own = {**shared, "SIMULATOR_MPESA_OPENAPI_CALLBACK_URL": "http://x/hook"}
    told = from_environment(own).openapi
    assert told is not None
    assert told.callback_url == "http://x/hook"


def test_a_key_may_be_pem_or_der(store: Store, key: KeyPair) -> None:
    private = serialization.load_der_private_key(base64.b64decode(key.private_text), None)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    for text in (pem, key.private_text):
        assert key_pair(store, "x", text, bits=1024).public_text == key.public_text


def test_a_key_that_was_made_is_kept(store: Store) -> None:
    made = key_pair(store, "x", "", bits=1024)
    assert key_pair(store, "x", "", bits=1024).public_text == made.public_text


def test_a_key_of_another_kind_is_refused(store: Store) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    for text in ("nonsense", pem):
        with pytest.raises(ConfigError, match="private key of x"):
            key_pair(store, "x", text, bits=1024)


def test_a_file_of_an_older_simulator_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA user_version = 1")
        old.execute("CREATE TABLE prompts (id INTEGER PRIMARY KEY)")
        old.execute("CREATE TABLE behaviour (settings TEXT)")
        old.commit()
    for _ in range(2):
        with closing(Store(path)) as store:
            assert store.prompts.waiting() == []
