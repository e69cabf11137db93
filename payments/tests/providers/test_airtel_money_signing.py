"""Airtel Money's signed messages, against the Airtel fact sheet, section 4."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.airtel_money.encryption import signature
from payments.providers.base import Answer, Outcome, Reason
from payments.providers.http import MemoryTokenStore
from payments.tests.providers.airtel_application import (
    LARGE_KEY,
    OAEP,
    PKCS1,
    SMALL_KEY,
    TOKEN_URL,
    application,
    envelope,
    public_text,
)
from payments.tests.providers.contract import BASE_URL, COLLECTION, payload
from payments.tests.providers.outgoing_contract import DISBURSEMENT, REFUND

KEY_URL = f"{BASE_URL}/v1/rsa/encryption-keys"
PAYMENT_URL = f"{BASE_URL}/merchant/v1/payments/"
# The fact sheet's own vector.
VECTOR_BODY = b'{"reference":"Test","transaction":{"amount":1000,"id":"ABC123"}}'
VECTOR_SIGNATURE = (
    "z3qQ9dlMT0x7LIOUTQewn+sKP9Z2Ld5QS9PtxWnnyPE5SSRuDGXEdJHEE32qysJIKoA24HYmKo5ROwYm8bDYSG87se0WpW"
    "UZcgW8/sSRorY="
)

CALLS: dict[str, tuple[str, Callable[[AirtelMoney], Answer], Outcome, str]] = {
    "/merchant/v1/payments/": (
        "1",
        lambda provider: provider.collect(COLLECTION),
        Outcome.PENDING,
        "push_accepted",
    ),
    "/merchant/v2/payments/": (
        "2",
        lambda provider: provider.collect(COLLECTION),
        Outcome.PENDING,
        "push_accepted",
    ),
    "/standard/v1/payments/refund": (
        "1",
        lambda provider: provider.refund(REFUND),
        Outcome.SUCCEEDED,
        "refund_taken",
    ),
    "/standard/v2/disbursements/": (
        "1",
        lambda provider: provider.disburse(DISBURSEMENT),
        Outcome.SUCCEEDED,
        "disbursement_taken",
    ),
}


def key_answer(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    return {
        "data": {"key_id": 100, "key": public_text(key), "valid_upto": "12-08-2024 21:29:26"},
        "status": {"code": "200", "response_code": "DP02010001001", "success": True},
    }


def opened(call: responses.Call, key: rsa.RSAPrivateKey, padded: Any) -> bytes:
    """The body that the signature holds, as Airtel would read it."""
    headers = call.request.headers
    opening = key.decrypt(b64decode(headers["x-key"]), padded)
    aes_key, vector = (b64decode(part, validate=True) for part in opening.split(b":"))
    assert (len(aes_key), len(vector)) == (32, 16)
    decryptor = Cipher(algorithms.AES(aes_key), modes.CBC(vector)).decryptor()
    plain = decryptor.update(b64decode(headers["x-signature"])) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(plain) + unpadder.finalize()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.add(responses.POST, TOKEN_URL, json=payload("airtel_money", "token"))
        wire.add(responses.GET, KEY_URL, json=key_answer(SMALL_KEY))
        wire.add(responses.POST, PAYMENT_URL, json=payload("airtel_money", "push_accepted"))
        yield wire


def signing(tokens: MemoryTokenStore | None = None, **changes: Any) -> AirtelMoney:
    return application(tokens or MemoryTokenStore(), message_signing=True, **changes)


def calls_to(wire: responses.RequestsMock, url: str) -> list[responses.Call]:
    return [call for call in wire.calls if call.request.url == url]


def test_the_sheets_own_vector() -> None:
    assert signature(VECTOR_BODY, bytes(range(32)), bytes(range(16))) == VECTOR_SIGNATURE


@pytest.mark.parametrize("path", CALLS)
def test_the_very_bytes_that_are_sent_are_signed(wire: responses.RequestsMock, path: str) -> None:
    version, send, outcome, sample = CALLS[path]
    url = f"{BASE_URL}{path}"
    wire.upsert(responses.POST, url, json=payload("airtel_money", sample))
    answer = send(signing(collection_version=version))
    assert answer.outcome == outcome
    (call,) = calls_to(wire, url)
    assert opened(call, SMALL_KEY, PKCS1) == call.request.body
    assert call.request.headers["Content-Type"] == "application/json"
    assert call.request.headers["x-signature"] not in repr(answer)
    assert answer.request["body"]


def test_without_the_setting_nothing_is_signed(wire: responses.RequestsMock) -> None:
    application(MemoryTokenStore()).collect(COLLECTION)
    (call,) = calls_to(wire, PAYMENT_URL)
    assert "x-signature" not in call.request.headers
    assert calls_to(wire, KEY_URL) == []


@pytest.mark.parametrize(
    ("key", "setting", "padded"),
    [
        (SMALL_KEY, "", PKCS1),
        (LARGE_KEY, "", OAEP["oaep-sha256"]),
        (LARGE_KEY, "oaep-sha1", OAEP["oaep-sha1"]),
        (LARGE_KEY, "oaep-sha256", OAEP["oaep-sha256"]),
        (LARGE_KEY, "pkcs1", PKCS1),
        (SMALL_KEY, "oaep-sha1", OAEP["oaep-sha1"]),
    ],
)
def test_the_padding_goes_by_the_keys_size_unless_the_setting_says_otherwise(
    wire: responses.RequestsMock, key: rsa.RSAPrivateKey, setting: str, padded: Any
) -> None:
    wire.replace(responses.GET, KEY_URL, json=key_answer(key))
    signing(pin_padding=setting).collect(COLLECTION)
    (call,) = calls_to(wire, PAYMENT_URL)
    assert opened(call, key, padded) == call.request.body


def test_each_message_has_a_key_of_its_own(wire: responses.RequestsMock) -> None:
    provider = signing()
    provider.collect(COLLECTION)
    provider.collect(COLLECTION)
    first, second = calls_to(wire, PAYMENT_URL)
    assert first.request.body == second.request.body
    assert first.request.headers["x-signature"] != second.request.headers["x-signature"]


def test_airtels_key_is_kept_for_a_day_at_most(wire: responses.RequestsMock) -> None:
    now = 0.0
    provider = signing(MemoryTokenStore(clock=lambda: now))
    for hours, fetched in ((0, 1), (23, 1), (25, 2)):
        now = hours * 3600.0
        assert provider.collect(COLLECTION).outcome == Outcome.PENDING
        assert len(calls_to(wire, KEY_URL)) == fetched


def test_another_process_shares_the_key(wire: responses.RequestsMock) -> None:
    tokens = MemoryTokenStore()
    signing(tokens).collect(COLLECTION)
    signing(tokens).collect(COLLECTION)
    assert len(calls_to(wire, KEY_URL)) == 1


@pytest.mark.parametrize("code", ["DP00800001026", "DP00900001018"])
def test_a_refused_signature_has_the_key_renewed_and_the_message_sent_again(
    wire: responses.RequestsMock, code: str
) -> None:
    wire.replace(responses.POST, PAYMENT_URL, json=envelope(code, message="Forbidden"))
    wire.add(responses.POST, PAYMENT_URL, json=payload("airtel_money", "push_accepted"))
    wire.add(responses.GET, KEY_URL, json=key_answer(LARGE_KEY))
    assert signing().collect(COLLECTION).outcome == Outcome.PENDING
    first, second = calls_to(wire, PAYMENT_URL)
    assert first.request.body == second.request.body
    assert opened(second, LARGE_KEY, OAEP["oaep-sha256"]) == second.request.body


def test_a_signature_that_is_refused_again_has_failed(wire: responses.RequestsMock) -> None:
    url = f"{BASE_URL}/standard/v2/disbursements/"
    wire.add(responses.POST, url, json=envelope("DP00900001018", message="Forbidden"))
    answer = signing().disburse(DISBURSEMENT)
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)
    assert len(calls_to(wire, url)) == 2
    assert len(calls_to(wire, KEY_URL)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (envelope("DP00900001018"), 500),
        (envelope("DP00900001018", "ESB000001"), 200),
        (envelope("DP00900001000"), 200),
    ],
)
def test_only_proof_that_nothing_was_processed_has_it_sent_again(
    wire: responses.RequestsMock, body: dict[str, Any], status: int
) -> None:
    url = f"{BASE_URL}/standard/v2/disbursements/"
    wire.add(responses.POST, url, json=body, status=status)
    signing().disburse(DISBURSEMENT)
    assert len(calls_to(wire, url)) == 1


def test_a_time_out_of_a_signed_message_is_unknown_and_is_not_sent_again(
    wire: responses.RequestsMock,
) -> None:
    wire.replace(responses.POST, PAYMENT_URL, body=requests.exceptions.ReadTimeout())
    assert signing().collect(COLLECTION).outcome == Outcome.UNKNOWN
    assert len(calls_to(wire, PAYMENT_URL)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"body": requests.exceptions.ReadTimeout()},
        {"body": "<html>", "status": 503},
        {"json": envelope("DP02010001000")},
        {"json": {"data": {"key": ""}}},
        {"json": {"data": {"key": "no key"}}},
        {"json": {"data": {"key": ["x"]}}},
        {"json": key_answer(SMALL_KEY), "status": 500},
    ],
)
def test_without_a_key_nothing_is_sent(
    wire: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    wire.replace(responses.GET, KEY_URL, **answer)
    provider = signing()
    refused = provider.collect(COLLECTION)
    assert (refused.outcome, refused.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
    assert calls_to(wire, PAYMENT_URL) == []
    assert refused.request["url"].endswith("/v1/rsa/encryption-keys")
    json.dumps(refused.response)
    wire.replace(responses.GET, KEY_URL, json=key_answer(SMALL_KEY))
    assert provider.collect(COLLECTION).outcome == Outcome.PENDING


def test_a_padding_that_leaves_no_room_sends_nothing(wire: responses.RequestsMock) -> None:
    answer = signing(pin_padding="oaep-sha256").collect(COLLECTION)
    assert answer.outcome == Outcome.NOT_SENT
    assert calls_to(wire, PAYMENT_URL) == []
