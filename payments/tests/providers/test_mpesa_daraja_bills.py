"""Customer-initiated payments by Daraja: questions, confirmations, registered URLs (2.7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from payments.providers.base import (
    BillDecision,
    MalformedCallback,
    NoticeKind,
    Outcome,
    QuestionKind,
    Reason,
    Verdict,
)
from payments.providers.http import MemoryTokenStore
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.tests.providers.contract import BASE_URL, payload, sent_json

REGISTRATION_URL = f"{BASE_URL}/mpesa/c2b/v2/registerurl"
HASH = "b9e8b8a2c8a3a4b7e9f0d1c2b3a495867788990011223344556677889900aabb"


@pytest.fixture
def provider() -> MpesaDaraja:
    config = MpesaDarajaConfig(
        consumer_key="fake-consumer-key",
        consumer_secret="fake-consumer-secret",
        business_shortcode="174379",
        passkey="fake-passkey",
        callback_url="https://konektika.example/api/webhooks/in/s",
        base_url=BASE_URL,
        amount_min=1,
        amount_max=3_000_000,
        result_url="https://konektika.example/api/webhooks/in/s",
    )
    return MpesaDaraja(config, MemoryTokenStore())


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{BASE_URL}/oauth/v1/generate", json=sample("token"))
        yield wire


def sample(name: str) -> dict[str, Any]:
    return payload("mpesa_daraja", name)


def bill(**changes: Any) -> bytes:
    return json.dumps({**sample("bill"), **changes}).encode()


def test_a_confirmed_bill_is_told_with_receipt_amount_and_name(provider: MpesaDaraja) -> None:
    notice = provider.parse_callback(bill(), {})
    answer = notice.answer
    assert (notice.kind, notice.bill_reference) == (NoticeKind.BILL, "KNK 042")
    assert notice.payer_name == "ASHA JUMA"
    assert (notice.reference, notice.provider_reference) == ("", "")
    assert (answer.outcome, answer.receipt, answer.amount) == (
        Outcome.SUCCEEDED,
        "RKTQDM7W6S",
        5000,
    )
    assert (answer.msisdn, answer.short_code) == (None, "174379")


@pytest.mark.parametrize(
    ("told", "msisdn"),
    [
        ("255754123456", "255754123456"),
        (255754123456, "255754123456"),
        ("2547 ***** 126", None),
        (HASH, None),
        ("", None),
        (None, None),
    ],
)
def test_a_number_that_is_hashed_or_masked_is_no_number(
    provider: MpesaDaraja, told: object, msisdn: str | None
) -> None:
    notice = provider.parse_callback(bill(MSISDN=told), {})
    assert notice.answer.msisdn == msisdn
    assert provider.read_question(bill(MSISDN=told), {}).msisdn == msisdn
    assert "255754123456" not in repr(notice.answer.response)


@pytest.mark.parametrize(("told", "amount"), [("5.00", 5), ("5", 5), (5, 5), (5.0, 5)])
def test_an_amount_is_read_in_each_of_its_forms(
    provider: MpesaDaraja, told: object, amount: int
) -> None:
    assert provider.parse_callback(bill(TransAmount=told), {}).answer.amount == amount
    assert provider.read_question(bill(TransAmount=told), {}).amount == amount


def test_a_bill_without_a_reference_is_still_money(provider: MpesaDaraja) -> None:
    for told in ("", None, "x" * 500):
        notice = provider.parse_callback(bill(BillRefNumber=told), {})
        assert (notice.bill_reference, notice.answer.amount) == ("", 5000)


@pytest.mark.parametrize(
    "change",
    [
        {"TransID": ""},
        {"TransID": None},
        {"TransAmount": "5.50"},
        {"TransAmount": "0.00"},
        {"TransAmount": None},
        {"Result": {"ResultCode": 0}},
    ],
)
def test_a_bill_without_its_facts_is_malformed(
    provider: MpesaDaraja, change: dict[str, Any]
) -> None:
    with pytest.raises(MalformedCallback):
        provider.parse_callback(bill(**change), {})


def test_a_validation_asks_whether_a_bill_may_be_paid(provider: MpesaDaraja) -> None:
    question = provider.read_question(bill(), {})
    assert (question.kind, question.bill_reference) == (QuestionKind.VALIDATION, "KNK 042")
    assert (question.amount, question.receipt) == (5000, "RKTQDM7W6S")
    assert (question.msisdn, question.short_code) == (None, "174379")
    assert question.payload["BillRefNumber"] == "KNK 042"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"<xml/>", b"\xff", bill()[:-2], bill(TransAmount="much")]
)
def test_a_question_that_cannot_be_read_is_malformed(provider: MpesaDaraja, body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        provider.read_question(body, {})


@pytest.mark.parametrize(
    ("verdict", "body"),
    [
        (Verdict.ACCEPTED, b'{"ResultCode":"0","ResultDesc":"Accepted"}'),
        (Verdict.UNKNOWN_REFERENCE, b'{"ResultCode":"C2B00012","ResultDesc":"Rejected"}'),
        (Verdict.WRONG_AMOUNT, b'{"ResultCode":"C2B00013","ResultDesc":"Rejected"}'),
        (Verdict.NOT_UNDERSTOOD, b'{"ResultCode":"C2B00016","ResultDesc":"Rejected"}'),
        (Verdict.ASK_AGAIN, b'{"ResultCode":"C2B00016","ResultDesc":"Rejected"}'),
    ],
)
def test_each_verdict_has_its_answer(provider: MpesaDaraja, verdict: Verdict, body: bytes) -> None:
    for question in (provider.read_question(bill(), {}), None):
        answer = provider.answer_question(question, BillDecision(verdict=verdict, name="Asha"))
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.body == body


def test_a_confirmation_is_acknowledged(provider: MpesaDaraja) -> None:
    assert provider.acknowledge(bill()).body == b'{"ResultCode":0,"ResultDesc":"Success"}'


def test_the_urls_of_bills_are_registered(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(REGISTRATION_URL, json=sample("registration_taken"))
    answer = provider.register_urls()
    assert (answer.outcome, answer.message) == (Outcome.SUCCEEDED, "success")
    assert sent_json(wire.calls[-1]) == {
        "ShortCode": "174379",
        "ResponseType": "Cancelled",
        "ConfirmationURL": "https://konektika.example/api/webhooks/in/s/confirmation",
        "ValidationURL": "https://konektika.example/api/webhooks/in/s/validation",
    }


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (
            {"json": sample("registration_refused"), "status": 500},
            Outcome.FAILED,
            Reason.CONFIGURATION,
        ),
        (
            {"json": {"errorCode": "500.001.1001", "errorMessage": "Wrong credentials"}},
            Outcome.FAILED,
            Reason.CONFIGURATION,
        ),
        ({"json": sample("push_refused"), "status": 400}, Outcome.FAILED, Reason.CONFIGURATION),
        ({"json": sample("dead_token"), "status": 404}, Outcome.NOT_SENT, Reason.UNAVAILABLE),
        (
            {"json": {"errorCode": "500.003.02"}, "status": 500},
            Outcome.NOT_SENT,
            Reason.UNAVAILABLE,
        ),
        ({"json": {"ResponseCode": "1"}}, Outcome.UNKNOWN, None),
        ({"body": "<html>", "status": 502}, Outcome.UNKNOWN, None),
        ({"body": requests.exceptions.ReadTimeout()}, Outcome.UNKNOWN, None),
    ],
)
def test_what_a_registration_may_be_told(
    wire: responses.RequestsMock,
    provider: MpesaDaraja,
    answer: dict[str, Any],
    outcome: Outcome,
    reason: Reason | None,
) -> None:
    wire.post(REGISTRATION_URL, **answer)
    told = provider.register_urls()
    assert (told.outcome, told.reason) == (outcome, reason)
