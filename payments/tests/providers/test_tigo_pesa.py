"""Tigo Pesa's push bill-pay, against the Tigo fact sheet, product A and its outcome table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs

import pytest
import requests
import responses

from payments.providers.base import MalformedCallback, Outcome, Provider, Reason, StatusQuestion
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.providers.tigo_pesa.client import TigoPesa
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.tests.providers.contract import (
    BASE_URL,
    COLLECTION,
    PHONE,
    ProviderContract,
    sent_json,
)

CODES: dict[str, tuple[Outcome, Reason | None]] = {
    "BILLER-18-0000-S": (Outcome.PENDING, None),
    "BILLER-30-0000-S": (Outcome.PENDING, None),
    "BILLER-18-3018-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3019-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3020-E": (Outcome.FAILED, Reason.LIMIT),
    "BILLER-18-3021-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "BILLER-18-3022-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "BILLER-18-3040-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-2001-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-2003-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-2038-V": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-3000-E": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-2002-E": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "DebitMandate-10-2004-V": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "DebitMandate-10-2005-E": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "DebitMandate-10-2020-V": (Outcome.FAILED, Reason.CONFIGURATION),
    "DebitMandate-10-1000-E": (Outcome.UNKNOWN, None),
    "DebitMandate-10-5000-E": (Outcome.UNKNOWN, None),
    "BILLER-18-3999-E": (Outcome.FAILED, Reason.DECLINED),
    "DebitMandate-10-4001-V": (Outcome.FAILED, Reason.DECLINED),
    "BILLER-18-9999-F": (Outcome.UNKNOWN, None),
    "BILLER-18-6000-W": (Outcome.UNKNOWN, None),
    "BILLER-18-0000-X": (Outcome.UNKNOWN, None),
    "DECLINE": (Outcome.UNKNOWN, None),
}
NOT_LISTED = (
    *("BILLER-18-3999-E", "DebitMandate-10-4001-V", "BILLER-18-9999-F"),
    *("BILLER-18-6000-W", "BILLER-18-0000-X", "DECLINE"),
)

BAD_FACTS: list[tuple[str, object]] = [
    *(("Status", None), ("Status", 1), ("Status", 0), ("Status", 1.0), ("Status", "1")),
    *(("Status", ""), ("Status", "yes"), ("Status", "TS"), ("Status", []), ("Status", {})),
    *(("Amount", None), ("Amount", ""), ("Amount", "1,000"), ("Amount", "12.50")),
    *(("Amount", 12.5), ("Amount", True), ("Amount", 0), ("Amount", -5)),
    *(("ReferenceID", None), ("ReferenceID", ""), ("ReferenceID", []), ("ReferenceID", True)),
    ("ReferenceID", "K" * 101),
]


class TestTigoPesa(ProviderContract):
    dialect = "tigo_pesa"
    token_url = f"{BASE_URL}/token"
    collect_url = f"{BASE_URL}/API/BillerPayment/BillerPay"
    refusal = (200, Reason.NOT_REGISTERED)
    secrets: ClassVar[tuple[str, ...]] = ("fake-username", "fake-password")
    secrets_on_the_wire = secrets

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> TigoPesa:
        settings: dict[str, Any] = {
            "api_key": "fake-username",
            "secret": "fake-password",
            "biller_msisdn": "255710000000",
            "biller_code": "KNK",
            "base_url": base_url,
            "amount_min": 1,
            "amount_max": 3_000_000,
        }
        return TigoPesa(TigoPesaConfig(**{**settings, **changes}), tokens)

    def paid(self, **changes: Any) -> bytes:
        return json.dumps({**self.sample("callback_success"), **changes}).encode()

    def test_a_push_carries_token_credentials_and_the_prefixed_reference(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.collect_with(wire, provider, json=self.sample("push_accepted"))
        (call,) = self.calls_to(wire, self.collect_url)
        assert sent_json(call) == {
            "CustomerMSISDN": PHONE,
            "BillerMSISDN": "255710000000",
            "Amount": 5000,
            "Remarks": "Konektika bundle",
            "ReferenceID": "KNKABC123DEF456",
        }
        headers = call.request.headers
        assert headers["Authorization"] == "bearer fake-tigo-token-0000000001"
        assert (headers["Username"], headers["Password"]) == ("fake-username", "fake-password")
        assert headers["Content-Type"] == "application/json"
        assert headers["Cache-Control"] == "no-cache"

    def test_the_token_is_asked_for_by_form(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        provider.health()
        (call,) = self.calls_to(wire, self.token_url)
        assert parse_qs(str(call.request.body)) == {
            "username": ["fake-username"],
            "password": ["fake-password"],
            "grant_type": ["password"],
        }
        assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"

    def test_the_paths_are_the_merchants_own(self, wire: responses.RequestsMock) -> None:
        provider = self.build(
            MemoryTokenStore(),
            token_path="Konektika2DM-GetToken",
            push_path="https://other.example/Konektika2DM-PushBillpay",
        )
        wire.add(responses.POST, f"{BASE_URL}/Konektika2DM-GetToken", json=self.sample("token"))
        push_url = "https://other.example/Konektika2DM-PushBillpay"
        wire.add(responses.POST, push_url, json=self.sample("push_accepted"))
        assert provider.collect(COLLECTION).outcome == Outcome.PENDING

    @pytest.mark.parametrize(("code", "meaning"), CODES.items())
    def test_each_code_of_a_push(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: str,
        meaning: tuple[Outcome, Reason | None],
    ) -> None:
        for status in (code.endswith("-S"), str(code.endswith("-S")).lower()):
            body = {"ResponseCode": code, "ResponseStatus": status, "ResponseDescription": "words"}
            answer = self.collect_with(wire, provider, json=body)
            assert (answer.outcome, answer.reason, answer.code) == (*meaning, code)
            assert (answer.message, answer.is_unlisted) == ("words", code in NOT_LISTED)

    @pytest.mark.parametrize(
        ("code", "is_unlisted"),
        [
            ("BILLER-18-0000-S", False),
            ("BILLER-30-0000-S", False),
            ("DebitMandate-10-2005-E", False),
            ("DebitMandate-10-1000-E", False),
            ("BILLER-18-3999-E", True),
            ("BILLER-18-9999-F", True),
            ("DebitMandate-10-0000-S", True),
            ("DECLINE", True),
            ("", False),
        ],
    )
    def test_a_code_that_the_sheet_does_not_list_is_marked_for_staff(
        self, wire: responses.RequestsMock, provider: Provider, code: str, is_unlisted: bool
    ) -> None:
        answer = self.collect_with(wire, provider, json={"ResponseCode": code})
        assert answer.is_unlisted == is_unlisted

    def test_a_refused_duplicate_of_what_was_sent_before_is_unknown(
        self, wire: responses.RequestsMock
    ) -> None:
        body = {"ResponseCode": "DebitMandate-10-2020-V", "ResponseStatus": False}
        wire.add(responses.POST, self.collect_url, json=body)
        again = replace(COLLECTION, sent_before=True)
        assert self.build(MemoryTokenStore()).collect(again).outcome == Outcome.UNKNOWN

    def test_a_refused_duplicate_after_a_dead_token_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, self.collect_url, json=self.sample("dead_token"), status=401)
        body = {"ResponseCode": "DebitMandate-10-2020-V", "ResponseStatus": False}
        assert self.collect_with(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("code", "status", "outcome"),
        [
            ("DebitMandate-10-2005-E", 500, Outcome.FAILED),
            ("BILLER-18-3999-E", 500, Outcome.UNKNOWN),
            ("BILLER-18-0000-S", 502, Outcome.UNKNOWN),
            ("BILLER-18-9999-F", 500, Outcome.UNKNOWN),
            ("BILLER-18-3021-E", 401, Outcome.FAILED),
        ],
    )
    def test_only_a_code_of_the_sheet_refuses_within_a_server_error(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: str,
        status: int,
        outcome: Outcome,
    ) -> None:
        body = {"ResponseCode": code}
        assert self.collect_with(wire, provider, json=body, status=status).outcome == outcome

    @pytest.mark.parametrize(
        ("code", "status"), [("BILLER-18-0000-S", "false"), ("DebitMandate-10-2005-E", True)]
    )
    def test_a_code_and_a_status_that_differ_are_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str, status: object
    ) -> None:
        body = {"ResponseCode": code, "ResponseStatus": status}
        assert self.collect_with(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (400, Outcome.NOT_SENT),
            (403, Outcome.NOT_SENT),
            (404, Outcome.NOT_SENT),
            (200, Outcome.UNKNOWN),
            (429, Outcome.UNKNOWN),
            (500, Outcome.UNKNOWN),
        ],
    )
    def test_a_message_without_a_code_goes_by_its_http_status(
        self, wire: responses.RequestsMock, provider: Provider, status: int, outcome: Outcome
    ) -> None:
        answer = self.collect_with(wire, provider, json={"Message": "denied"}, status=status)
        assert (answer.outcome, answer.message) == (outcome, "denied")

    def test_text_without_a_message_proves_nothing(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, body="<html>", status=404)
        assert answer.outcome == Outcome.UNKNOWN

    def test_a_time_out_after_a_dead_token_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, self.collect_url, json=self.sample("dead_token"), status=401)
        answer = self.collect_with(wire, provider, body=requests.exceptions.ReadTimeout())
        assert answer.outcome == Outcome.UNKNOWN

    def test_tigo_cannot_be_asked(self, wire: responses.RequestsMock, provider: Provider) -> None:
        question = StatusQuestion(reference="ABC123DEF456", provider_reference="")
        assert not provider.description.can_query
        assert provider.query(question).outcome == Outcome.UNKNOWN
        assert len(wire.calls) == 0

    @pytest.mark.parametrize("status", [True, "true"])
    @pytest.mark.parametrize("amount", [5000, 5000.0, "5000", "5000.0", "5000.00"])
    def test_a_paid_callback_tells_reference_amount_and_receipt(
        self, provider: Provider, status: object, amount: object
    ) -> None:
        notice = provider.parse_callback(self.paid(Status=status, Amount=amount), {})
        assert (notice.reference, notice.provider_reference) == ("ABC123DEF456", "")
        assert (notice.answer.outcome, notice.answer.amount) == (Outcome.SUCCEEDED, 5000)
        assert notice.answer.receipt == "BP140218.1240.B01530"

    @pytest.mark.parametrize("status", [False, "false"])
    def test_the_text_false_is_not_paid(self, provider: Provider, status: object) -> None:
        answer = provider.parse_callback(self.paid(Status=status, Amount=""), {}).answer
        assert (answer.outcome, answer.receipt, answer.amount) == (Outcome.FAILED, "", None)

    @pytest.mark.parametrize(("name", "value"), BAD_FACTS)
    def test_a_callback_without_its_facts_is_malformed(
        self, provider: Provider, name: str, value: object
    ) -> None:
        with pytest.raises(MalformedCallback):
            provider.parse_callback(self.paid(**{name: value}), {})

    def test_a_callback_with_a_message_only_is_malformed(self, provider: Provider) -> None:
        with pytest.raises(MalformedCallback, match="ReferenceID"):
            provider.parse_callback(b'{"Message":"An error has occurred."}', {})

    @pytest.mark.parametrize(
        ("sent", "read"),
        [("KNKKNK123", "KNK123"), ("KNKNKN1", "NKN1"), ("OTHER1", "OTHER1"), ("knk1", "knk1")],
    )
    def test_only_the_exact_prefix_is_taken_off(
        self, provider: Provider, sent: str, read: str
    ) -> None:
        assert provider.parse_callback(self.paid(ReferenceID=sent), {}).reference == read

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ("The PIN that was given is wrong", Reason.WRONG_PIN),
            ("Insufficient balance in account", Reason.INSUFFICIENT_FUNDS),
            ("You entered a wrong PIN", Reason.WRONG_PIN),
            ("Transaction cancelled by customer", Reason.CANCELLED),
            ("Request timed out", Reason.NO_ANSWER),
            ("Customer is not registered", Reason.NOT_REGISTERED),
            ("Daily limit exceeded", Reason.LIMIT),
            ("Payment to UNLIMITED LTD did not go through", Reason.DECLINED),
            ("Imeshindikana", Reason.DECLINED),
            (None, Reason.DECLINED),
        ],
    )
    def test_the_reason_is_read_from_the_words_of_a_failure(
        self, provider: Provider, words: object, reason: Reason
    ) -> None:
        answer = provider.parse_callback(self.paid(Status=False, Description=words), {}).answer
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, reason)

    @pytest.mark.parametrize(
        ("body", "reference"),
        [
            (b'{"Status":true,"ReferenceID":"KNKABC1","Amount":"1"}', "KNKABC1"),
            (b'{"Status":"maybe","ReferenceID":"KNKABC1"}', "KNKABC1"),
            (b'{"ReferenceID" : "KNKABC1","Status":tr', "KNKABC1"),
            (b'{"ReferenceID":"KNKABC1","x":"\xe9"', "KNKABC1"),
            (b'{"ReferenceID":"KN', ""),
            (b"<xml/>", ""),
        ],
    )
    def test_a_callback_is_answered_with_its_reference_where_it_can_be_read(
        self, provider: Provider, body: bytes, reference: str
    ) -> None:
        assert json.loads(provider.acknowledge(body).body) == {
            "ResponseCode": "BILLER-18-0000-S",
            "ResponseStatus": True,
            "ResponseDescription": "Callback successful",
            "ReferenceID": reference,
        }

    def test_the_family_of_the_reply_is_a_setting(self) -> None:
        provider = self.build(MemoryTokenStore(), reply_family="30")
        reply = json.loads(provider.acknowledge(b'{"ReferenceID":"KNKABC1"}').body)
        assert reply["ResponseCode"] == "BILLER-30-0000-S"
