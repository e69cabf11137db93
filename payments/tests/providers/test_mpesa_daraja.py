"""M-Pesa in Daraja's shape, against the M-Pesa fact sheet, dialect 2 and its outcome table."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
import responses
import time_machine

from payments.providers.base import MalformedCallback, Outcome, Provider, Reason, StatusQuestion
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.tests.providers.contract import BASE_URL, COLLECTION, ProviderContract, sent_json

HANDLE = "ws_CO_24112026101530123"
QUESTION = StatusQuestion(reference=COLLECTION.reference, provider_reference=HANDLE)
QUERY_URL = f"{BASE_URL}/mpesa/stkpushquery/v1/query"

RESULTS: dict[object, tuple[Outcome, Reason | None]] = {
    "0": (Outcome.SUCCEEDED, None),
    "1": (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),
    "2": (Outcome.FAILED, Reason.LIMIT),
    "3": (Outcome.FAILED, Reason.LIMIT),
    "4": (Outcome.FAILED, Reason.LIMIT),
    "8": (Outcome.FAILED, Reason.LIMIT),
    "17": (Outcome.FAILED, Reason.LIMIT),
    "26": (Outcome.FAILED, Reason.BUSY),
    "1001": (Outcome.FAILED, Reason.BUSY),
    "1025": (Outcome.FAILED, Reason.UNAVAILABLE),
    "9999": (Outcome.FAILED, Reason.UNAVAILABLE),
    "1019": (Outcome.FAILED, Reason.NO_ANSWER),
    "1037": (Outcome.FAILED, Reason.NO_ANSWER),
    "1032": (Outcome.FAILED, Reason.CANCELLED),
    "2001": (Outcome.FAILED, Reason.WRONG_PIN),
    "2028": (Outcome.FAILED, Reason.CONFIGURATION),
    "4999": (Outcome.PENDING, None),
    "2002": (Outcome.UNKNOWN, None),
    "77777": (Outcome.UNKNOWN, None),
    "00": (Outcome.UNKNOWN, None),
    "SFC_IC0003": (Outcome.UNKNOWN, None),
}

PUSH_ERRORS: list[tuple[int, str, str, Outcome, Reason | None]] = [
    (400, "400.002.02", "Bad Request - Invalid Amount", Outcome.FAILED, Reason.CONFIGURATION),
    (400, "400.002.05", "Invalid Request Payload", Outcome.FAILED, Reason.CONFIGURATION),
    (404, "404.001.01", "Resource not found", Outcome.FAILED, Reason.CONFIGURATION),
    (404, "404.001.04", "Invalid Authentication Header", Outcome.FAILED, Reason.CONFIGURATION),
    (405, "405.001", "Method Not Allowed", Outcome.FAILED, Reason.CONFIGURATION),
    (500, "500.001.1001", "Wrong credentials", Outcome.FAILED, Reason.CONFIGURATION),
    (
        500,
        "500.001.1001",
        "[MerchantValidate] - Merchant does not exist",
        Outcome.FAILED,
        Reason.CONFIGURATION,
    ),
    (500, "500.001.1001", "Unable to lock subscriber, a transaction", Outcome.FAILED, Reason.BUSY),
    (500, "500.001.1001", "Server Error", Outcome.UNKNOWN, None),
    (200, "500.001.1001", "", Outcome.UNKNOWN, None),
    (500, "500.002.1001", "Duplicate", Outcome.UNKNOWN, None),
    (500, "500.003.02", "System is busy", Outcome.NOT_SENT, Reason.UNAVAILABLE),
    (500, "500.003.03", "Quota Violation", Outcome.NOT_SENT, Reason.UNAVAILABLE),
    (429, "500.003.02", "Spike arrest", Outcome.NOT_SENT, Reason.UNAVAILABLE),
    (500, "500.003.1001", "Internal Server Error", Outcome.UNKNOWN, None),
    (500, "599.001", "Something new", Outcome.UNKNOWN, None),
]


class TestMpesaDaraja(ProviderContract):
    dialect = "mpesa_daraja"
    token_url = f"{BASE_URL}/oauth/v1/generate"
    token_method = "GET"
    collect_url = f"{BASE_URL}/mpesa/stkpush/v1/processrequest"
    dead_token_status = 404
    refusal = (400, Reason.CONFIGURATION)
    secrets: ClassVar[tuple[str, ...]] = (
        "fake-consumer-key",
        "fake-consumer-secret",
        "fake-passkey",
    )
    secrets_on_the_wire = (COLLECTION.callback_token,)

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> MpesaDaraja:
        settings: dict[str, Any] = {
            "consumer_key": "fake-consumer-key",
            "consumer_secret": "fake-consumer-secret",
            "business_shortcode": "174379",
            "passkey": "fake-passkey",
            "callback_url": "https://konektika.example/api/webhooks/in/s/",
            "base_url": base_url,
            "amount_min": 1,
            "amount_max": 3_000_000,
        }
        return MpesaDaraja(MpesaDarajaConfig(**{**settings, **changes}), tokens)

    def stk(self, name: str = "callback_success", **changes: Any) -> bytes:
        body = self.sample(name)
        body["Body"]["stkCallback"].update(changes)
        return json.dumps(body).encode()

    def items(self, **changes: Any) -> bytes:
        values = {
            "Amount": 5000.0,
            "MpesaReceiptNumber": "NLJ7RT61SV",
            "PhoneNumber": 255754123456,
            **changes,
        }
        items = [{"Name": name, "Value": value} for name, value in values.items()]
        return self.stk(CallbackMetadata={"Item": items})

    @time_machine.travel(datetime(2026, 11, 24, 21, 30, 5, tzinfo=UTC), tick=False)
    def test_a_push_is_signed_with_the_east_african_time_that_it_names(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, json=self.sample("push_accepted"))
        assert answer.provider_reference == HANDLE
        (call,) = self.calls_to(wire, self.collect_url)
        sent = sent_json(call)
        password = b64decode(sent.pop("Password")).decode()
        assert password == "174379fake-passkey20261125003005"
        assert sent == {
            "BusinessShortCode": "174379",
            "Timestamp": "20261125003005",
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 5000,
            "PartyA": "255754123456",
            "PartyB": "174379",
            "PhoneNumber": "255754123456",
            "CallBackURL": "https://konektika.example/api/webhooks/in/s/fake-callback-token-5f2d",
            "AccountReference": "ABC123DEF456",
            "TransactionDesc": "Konektika bun",
        }
        assert call.request.headers["Authorization"] == "Bearer fake-daraja-token-0000000001"

    def test_the_token_is_asked_for_with_basic_credentials(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        provider.health()
        (call,) = self.calls_to(wire, self.token_url)
        assert str(call.request.url).endswith("?grant_type=client_credentials")
        basic = call.request.headers["Authorization"].removeprefix("Basic ")
        assert b64decode(basic) == b"fake-consumer-key:fake-consumer-secret"

    def test_a_till_receives_what_is_asked_for_by_its_store(
        self, wire: responses.RequestsMock
    ) -> None:
        provider = self.build(
            MemoryTokenStore(), transaction_type="CustomerBuyGoodsOnline", till_number="600000"
        )
        self.collect_with(wire, provider, json=self.sample("push_accepted"))
        (call,) = self.calls_to(wire, self.collect_url)
        sent = sent_json(call)
        assert (sent["BusinessShortCode"], sent["PartyB"]) == ("174379", "600000")

    @pytest.mark.parametrize(("status", "code", "message", "outcome", "reason"), PUSH_ERRORS)
    def test_each_refusal_of_a_push(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        status: int,
        code: str,
        message: str,
        outcome: Outcome,
        reason: Reason | None,
    ) -> None:
        error = {"requestId": "1-2-3", "errorCode": code, "errorMessage": message}
        answer = self.collect_with(wire, provider, json=error, status=status)
        assert (answer.outcome, answer.reason, answer.code) == (outcome, reason, code)
        assert answer.response["status"] == status

    def test_too_many_requests_are_not_processed(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, body="slow down", status=429)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)

    @pytest.mark.parametrize("code", ["404.001.03", "401.002.01", "400.003.01"])
    def test_each_code_of_a_dead_token(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        dead = {"requestId": "1", "errorCode": code, "errorMessage": "Invalid Access Token"}
        answer = self.collect_with(wire, provider, json=dead, status=int(code[:3]))
        assert answer.outcome == Outcome.NOT_SENT
        assert len(self.calls_to(wire, self.collect_url)) == 2

    @pytest.mark.parametrize("code", ["1", "", None, True, False, 0.5])
    def test_a_push_that_is_not_clearly_accepted_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: object
    ) -> None:
        body = {**self.sample("push_accepted"), "ResponseCode": code}
        assert self.collect_with(wire, provider, json=body).outcome == Outcome.UNKNOWN

    def ask(self, wire: responses.RequestsMock, provider: Provider, **answer: Any) -> Any:
        wire.add(responses.POST, QUERY_URL, **answer)
        return provider.query(QUESTION)

    @pytest.mark.parametrize(("code", "meaning"), RESULTS.items())
    def test_each_result_of_a_query(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: object,
        meaning: tuple[Outcome, Reason | None],
    ) -> None:
        body = {**self.sample("query_result"), "ResultCode": code}
        answer = self.ask(wire, provider, json=body)
        assert (answer.outcome, answer.reason) == meaning
        assert (answer.receipt, answer.amount) == ("", None)

    def test_a_query_names_the_handle_and_is_signed(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.ask(wire, provider, json=self.sample("query_result"))
        (call,) = self.calls_to(wire, QUERY_URL)
        sent = sent_json(call)
        assert sent.keys() == {"BusinessShortCode", "Password", "Timestamp", "CheckoutRequestID"}
        assert sent["CheckoutRequestID"] == HANDLE

    def test_without_its_handle_a_push_cannot_be_asked_for(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = provider.query(StatusQuestion(reference="ABC123DEF456", provider_reference=""))
        assert answer.outcome == Outcome.UNKNOWN
        assert "CheckoutRequestID" in answer.message
        assert len(wire.calls) == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"ResponseCode": "1"},
            {"ResponseCode": None},
            {"CheckoutRequestID": "ws_CO_another"},
            {"ResultCode": None},
            {"ResultCode": False},
        ],
    )
    def test_a_query_that_did_not_work_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, change: dict[str, Any]
    ) -> None:
        body = {**self.sample("query_result"), **change}
        assert self.ask(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("status", "code", "message", "outcome"),
        [
            (500, "500.001.1001", "The transaction is being processed", Outcome.PENDING),
            (200, "500.001.1001", "", Outcome.UNKNOWN),
            (500, "500.001.1001", "The transaction does not exist", Outcome.UNKNOWN),
            (500, "500.001.1001", "Wrong credentials", Outcome.UNKNOWN),
            (500, "500.003.02", "System is busy", Outcome.UNKNOWN),
            (400, "400.002.02", "Invalid CheckoutRequestID", Outcome.UNKNOWN),
            (404, "404.001.03", "Invalid Access Token", Outcome.UNKNOWN),
        ],
    )
    def test_an_error_of_a_query_never_ends_a_payment(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        status: int,
        code: str,
        message: str,
        outcome: Outcome,
    ) -> None:
        error = {"requestId": "1", "errorCode": code, "errorMessage": message}
        answer = self.ask(wire, provider, json=error, status=status)
        assert (answer.outcome, answer.not_found, answer.is_unlisted) == (outcome, False, False)

    def test_an_unlisted_error_of_a_query_is_for_staff(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        error = {"requestId": "1", "errorCode": "599.001", "errorMessage": "New"}
        answer = self.ask(wire, provider, json=error, status=500)
        assert (answer.outcome, answer.is_unlisted) == (Outcome.UNKNOWN, True)

    def test_a_result_within_a_server_error_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.ask(wire, provider, json=self.sample("query_result"), status=500)
        assert answer.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(("code", "meaning"), RESULTS.items())
    def test_each_result_of_a_callback_as_text_and_as_number(
        self, provider: Provider, code: str, meaning: tuple[Outcome, Reason | None]
    ) -> None:
        for value in (code, *([int(code)] if code.isdigit() and code != "00" else [])):
            answer = provider.parse_callback(self.stk(ResultCode=value), {}).answer
            assert (answer.outcome, answer.reason, answer.code) == (*meaning, code)

    @pytest.mark.parametrize("code", ["2002", "77777", "00", "SFC_IC0003", "1", "4999"])
    def test_a_result_that_the_sheet_does_not_explain_is_for_staff(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        is_unlisted = RESULTS[code][0] == Outcome.UNKNOWN
        called_back = provider.parse_callback(self.stk(ResultCode=code), {}).answer
        asked = self.ask(wire, provider, json={**self.sample("query_result"), "ResultCode": code})
        assert (called_back.is_unlisted, asked.is_unlisted) == (is_unlisted, is_unlisted)

    @pytest.mark.parametrize(
        ("answer", "is_unlisted"),
        [
            ({"json": {"errorCode": "599.001", "errorMessage": "New"}, "status": 500}, True),
            ({"json": {"ResponseCode": "7"}}, True),
            ({"json": {"errorCode": "500.001.1001", "errorMessage": "?"}, "status": 500}, False),
            ({"json": {"errorCode": "500.003.1001"}, "status": 500}, False),
            ({"json": {"errorCode": "500.002.1001"}, "status": 500}, False),
            ({"body": "<html>", "status": 503}, False),
            ({"json": {}}, False),
        ],
    )
    def test_an_answer_that_the_sheet_does_not_list_is_for_staff(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        answer: dict[str, Any],
        is_unlisted: bool,
    ) -> None:
        said = self.collect_with(wire, provider, **answer)
        assert (said.outcome, said.is_unlisted) == (Outcome.UNKNOWN, is_unlisted)

    def test_a_paid_callback_tells_amount_phone_receipt_and_short_code(
        self, provider: Provider
    ) -> None:
        notice = provider.parse_callback(self.stk(), {"BUSINESSSHORTCODE": "174379"})
        answer = notice.answer
        assert (answer.amount, answer.msisdn) == (5000, "255754123456")
        assert (answer.receipt, answer.short_code) == ("NLJ7RT61SV", "174379")
        assert (notice.reference, notice.provider_reference) == ("", HANDLE)
        assert provider.parse_callback(self.stk(), {}).answer.short_code is None

    def test_items_of_a_callback_are_read_by_name_in_any_order(self, provider: Provider) -> None:
        body = self.sample("callback_success")
        body["Body"]["stkCallback"]["CallbackMetadata"]["Item"].reverse()
        answer = provider.parse_callback(json.dumps(body).encode(), {}).answer
        assert (answer.amount, answer.receipt) == (5000, "NLJ7RT61SV")

    @pytest.mark.parametrize("amount", [5000, 5000.0, "5000", "5000.00"])
    def test_whole_amounts_are_read(self, provider: Provider, amount: object) -> None:
        assert provider.parse_callback(self.items(Amount=amount), {}).answer.amount == 5000

    @pytest.mark.parametrize("amount", [5000.5, "5,000", "", None, True, 0, -1, "1e3", 10**15, []])
    def test_an_amount_that_is_not_whole_shillings_is_malformed(
        self, provider: Provider, amount: object
    ) -> None:
        with pytest.raises(MalformedCallback, match="shillings"):
            provider.parse_callback(self.items(Amount=amount), {})

    @pytest.mark.parametrize(
        "change",
        [
            {"ResultCode": None},
            {"ResultCode": False},
            {"ResultCode": []},
            {"ResultCode": ""},
            {"CallbackMetadata": None},
            {"CallbackMetadata": {"Item": "x"}},
            {"CallbackMetadata": {"Item": [1]}},
            {"CallbackMetadata": {"Item": []}},
            {
                "CallbackMetadata": {
                    "Item": [{"Name": "Amount", "Value": 1}, {"Name": "Amount", "Value": 5000}]
                }
            },
        ],
    )
    def test_a_callback_without_its_facts_is_malformed(
        self, provider: Provider, change: dict[str, Any]
    ) -> None:
        with pytest.raises(MalformedCallback):
            provider.parse_callback(self.stk(**change), {})

    def test_a_lone_item_may_come_without_its_list(self, provider: Provider) -> None:
        body = self.stk(CallbackMetadata={"Item": {"Name": "Amount", "Value": 5000}})
        answer = provider.parse_callback(body, {}).answer
        assert (answer.outcome, answer.amount, answer.receipt) == (Outcome.SUCCEEDED, 5000, "")

    def test_a_callback_is_answered_as_daraja_expects(self, provider: Provider) -> None:
        assert provider.acknowledge(b"?").body == b'{"ResultCode":0,"ResultDesc":"Success"}'
