"""M-Pesa's Open API, against the M-Pesa fact sheet, dialect 1, its outcome table and traps."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payments.providers.base import (
    Answer,
    Disbursement,
    MalformedCallback,
    NoticeKind,
    Outcome,
    Provider,
    Reason,
    Refund,
    Reversal,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import MemoryTokenStore, Token, TokenStore
from payments.providers.mpesa_openapi.callbacks import recognises
from payments.providers.mpesa_openapi.client import MpesaOpenApi
from payments.providers.mpesa_openapi.config import MpesaOpenApiConfig, read_public_key
from payments.tests.providers.contract import (
    BASE_URL,
    COLLECTION,
    PHONE,
    ProviderContract,
    payload,
    sent_json,
)
from payments.tests.providers.outgoing_contract import OutgoingContract

ROOT = f"{BASE_URL}/sandbox/ipg/v2/vodacomTZN"
SESSION_URL = f"{ROOT}/getSession/"
COLLECT_URL = f"{ROOT}/c2bPayment/singleStage/"
DISBURSE_URL = f"{ROOT}/b2cPayment/"
REVERSAL_URL = f"{ROOT}/reversal/"
STATUS_URL = f"{ROOT}/queryTransactionStatus/"

RECEIPT = "hv9ahMZpb7E8"
CONVERSATION = "0f5a1c8e3b7d4a629e0c1d2f3a4b5c6d"
QUESTION = StatusQuestion(reference=COLLECTION.reference, provider_reference="")
DISBURSEMENT = Disbursement(
    reference="ABC123DEF456",
    amount=4500,
    msisdn=PHONE,
    description="Owner's share: Nov-2026",
    callback_token="fake-callback-token-5f2d",
)
REFUND = Refund(
    reference="ABC123DEF456",
    receipt="zz1Collected",
    collection_reference="XYZ789XYZ789",
    amount=2000,
    msisdn=PHONE,
    description="Refund",
    callback_token="fake-callback-token-5f2d",
)
ABOUT_DISBURSEMENT = TransferQuestion(
    reference="ABC123DEF456",
    provider_reference="",
    is_reversal=False,
    receipt="",
    collection_reference="",
    callback_token="fake-callback-token-5f2d",
)
ABOUT_REVERSAL = replace(
    ABOUT_DISBURSEMENT,
    is_reversal=True,
    receipt=REFUND.receipt,
    collection_reference=REFUND.collection_reference,
)

Meaning = tuple[Outcome, Reason | None]

UNKNOWN: Meaning = (Outcome.UNKNOWN, None)
PENDING: Meaning = (Outcome.PENDING, None)
MISCONFIGURED: Meaning = (Outcome.FAILED, Reason.CONFIGURATION)

# The outcome table, row by row: HTTP status and code of an answer to a request for money.
REFUSED: list[tuple[int, str, Meaning]] = [
    (422, "INS-2006", (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS)),
    (401, "INS-6", (Outcome.FAILED, Reason.DECLINED)),
    (400, "INS-2051", (Outcome.FAILED, Reason.NOT_REGISTERED)),
    *(
        (400, f"INS-{number}", MISCONFIGURED)
        for number in (13, 15, 17, 18, 20, 21, 26, 28, 30, 31, 35, 995, 997, 998)
    ),
    (400, "INS-990", (Outcome.FAILED, Reason.LIMIT)),
    (400, "INS-991", (Outcome.FAILED, Reason.LIMIT)),
    (400, "INS-996", (Outcome.FAILED, Reason.UNAVAILABLE)),
    (400, "INS-1", UNKNOWN),
    (408, "INS-9", UNKNOWN),
    (409, "INS-10", UNKNOWN),
]
SPENT = ["INS-992", "INS-993", "INS-994"]
UNLISTED = ["INS-5", "INS-2001", "INS-16", "INS-999", "INS-23", "INS-989", "SVC-1", "0", "ins-6"]

# What is no clear answer, besides what the contracts have: how the wire answers.
UNCLEAR: list[dict[str, Any]] = [
    {"json": {}, "status": 400},
    {"json": {"output_ResponseCode": "INS-0", "output_TransactionID": RECEIPT}, "status": 409},
]

STATUSES: dict[object, Meaning] = {
    "Completed": (Outcome.SUCCEEDED, None),
    "Cancelled": (Outcome.FAILED, Reason.CANCELLED),
    "Expired": (Outcome.FAILED, Reason.NO_ANSWER),
    "Failed": (Outcome.FAILED, Reason.DECLINED),
    "Declined": (Outcome.FAILED, Reason.DECLINED),
    "Rejected": (Outcome.FAILED, Reason.DECLINED),
    "Pending": PENDING,
    "N/A": PENDING,
    "": PENDING,
    None: PENDING,
    "Unknown": PENDING,
}
UNLISTED_STATUSES = ["Reversed", "Timeout", "completed", "INS-0", "Success", "true"]


@cache
def platform_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_text(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def bearer(request: requests.PreparedRequest) -> str:
    """What a request's bearer was encrypted from."""
    sealed = request.headers["Authorization"].removeprefix("Bearer ")
    return platform_key().decrypt(b64decode(sealed, validate=True), PKCS1v15()).decode()


@dataclass
class Clock:
    """Time that passes only by sleeping, or by hand."""

    now: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def build(tokens: TokenStore, clock: Clock | None = None, **changes: Any) -> MpesaOpenApi:
    settings: dict[str, Any] = {
        "api_key": "fake-openapi-key",
        "public_key": public_text(platform_key()),
        "service_provider_code": "000000",
        "base_url": BASE_URL,
        "amount_min": 1,
        "amount_max": 3_000_000,
        "session_delay_seconds": 0,
    }
    time = clock or Clock()
    config = MpesaOpenApiConfig(**{**settings, **changes})
    return MpesaOpenApi(config, tokens, clock=time, sleep=time.sleep)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    return {**payload("mpesa_openapi", name), **changes}


def refused(code: str) -> dict[str, Any]:
    return sample("push_refused", output_ResponseCode=code, output_ResponseDesc="words")


@dataclass(frozen=True)
class MoneyCall:
    """One of the three requests that move money, with its method and URL."""

    name: str
    method: str
    url: str

    def __call__(self, provider: Provider) -> Answer:
        return {
            "collect": lambda: provider.collect(COLLECTION),
            "disburse": lambda: provider.disburse(DISBURSEMENT),
            "refund": lambda: provider.refund(REFUND),
        }[self.name]()


MONEY_CALLS = [
    MoneyCall("collect", "POST", COLLECT_URL),
    MoneyCall("disburse", "POST", DISBURSE_URL),
    MoneyCall("refund", "PUT", REVERSAL_URL),
]
each_money_call = pytest.mark.parametrize("move", MONEY_CALLS, ids=lambda move: move.name)


class TestMpesaOpenApi(ProviderContract):
    dialect = "mpesa_openapi"
    token_url = SESSION_URL
    token_method = "GET"
    collect_url = COLLECT_URL
    refusal = (422, Reason.INSUFFICIENT_FUNDS)
    secrets: ClassVar[tuple[str, ...]] = ("fake-openapi-key", "fakesession0000000000000000000001")

    def build(self, tokens: TokenStore, base_url: str = BASE_URL) -> MpesaOpenApi:
        return build(tokens, base_url=base_url)

    def tokens_on_the_wire(self) -> tuple[str, ...]:
        return ()  # encrypted anew for each request: see below

    def test_an_echoed_bearer_is_not_kept(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add_callback(
            responses.POST,
            COLLECT_URL,
            lambda request: (400, {}, f"denied {request.headers['Authorization']}"),
        )
        answer = provider.collect(COLLECTION)
        (call,) = self.calls_to(wire, COLLECT_URL)
        sealed = call.request.headers["Authorization"].removeprefix("Bearer ")
        assert answer.response["body"].startswith("denied ")
        assert sealed[:40] not in repr(answer)

    # Asking for money

    def test_a_push_names_our_reference_twice_and_everything_that_vodacom_wants(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.collect_with(wire, provider, json=sample("push_paid"), status=201)
        (call,) = self.calls_to(wire, COLLECT_URL)
        assert sent_json(call) == {
            "input_Amount": "5000",
            "input_CustomerMSISDN": "255754123456",
            "input_Country": "TZN",
            "input_Currency": "TZS",
            "input_ServiceProviderCode": "000000",
            "input_TransactionReference": "ABC123DEF456",
            "input_ThirdPartyConversationID": "ABC123DEF456",
            "input_PurchasedItemsDesc": "Konektika bundle",
        }
        assert call.request.headers["Content-Type"] == "application/json"
        assert call.request.headers["Origin"] == "*"
        assert bearer(call.request) == "fakesession0000000000000000000001"

    @pytest.mark.parametrize(
        ("description", "sent"),
        [
            ("Bando: 5-GB, wiki_moja!", "Bando 5 GB wiki moja"),
            ("  é / ✓  ", "ABC123DEF456"),
            ("", "ABC123DEF456"),
            ("x" * 300, "x" * 256),
            ("x" * 255 + " y", "x" * 255),
        ],
    )
    def test_what_is_bought_is_told_in_letters_digits_and_spaces(
        self, wire: responses.RequestsMock, provider: Provider, description: str, sent: str
    ) -> None:
        wire.add(responses.POST, COLLECT_URL, json=sample("push_paid"), status=201)
        provider.collect(replace(COLLECTION, description=description))
        (call,) = self.calls_to(wire, COLLECT_URL)
        assert sent_json(call)["input_PurchasedItemsDesc"] == sent

    @pytest.mark.parametrize(("mode", "seconds"), [("sync", 150), ("async", 30)])
    def test_a_synchronous_answer_is_waited_for_as_long_as_a_pin_takes(
        self, wire: responses.RequestsMock, mode: str, seconds: int
    ) -> None:
        provider = build(MemoryTokenStore(), mode=mode)
        self.collect_with(wire, provider, json=sample("push_paid"), status=201)
        (call,) = self.calls_to(wire, COLLECT_URL)
        assert call.request.req_kwargs["timeout"] == (5, seconds)  # type: ignore[attr-defined]

    def test_the_path_names_environment_and_market(self, wire: responses.RequestsMock) -> None:
        provider = build(MemoryTokenStore(), env="openapi", market="vodacomXYZ", origin="k.example")
        wire.add("GET", f"{BASE_URL}/openapi/ipg/v2/vodacomXYZ/getSession/", json=sample("token"))
        assert provider.health().is_up
        (call,) = wire.calls
        assert call.request.headers["Origin"] == "k.example"
        assert bearer(call.request) == "fake-openapi-key"

    @each_money_call
    def test_done_with_a_receipt_has_succeeded(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall
    ) -> None:
        wire.add(move.method, move.url, json=sample("push_paid"), status=201)
        answer = move(provider)
        assert (answer.outcome, answer.receipt, answer.code) == (
            Outcome.SUCCEEDED,
            RECEIPT,
            "INS-0",
        )
        assert (answer.provider_reference, answer.is_unlisted) == (CONVERSATION, False)

    @each_money_call
    def test_an_answer_that_echoes_no_conversation_counts(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall
    ) -> None:
        paid = sample("push_paid", output_ThirdPartyConversationID=None)
        wire.add(move.method, move.url, json=paid, status=201)
        assert move(provider).outcome == Outcome.SUCCEEDED

    @each_money_call
    @pytest.mark.parametrize("code", ["INS-0", "INS-A-0", "INS-GAR-0"])
    @pytest.mark.parametrize("receipt", ["N/A", "", None, " "])
    def test_accepted_without_a_receipt_is_pending(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        move: MoneyCall,
        code: str,
        receipt: object,
    ) -> None:
        accepted = sample("push_accepted", output_ResponseCode=code, output_TransactionID=receipt)
        wire.add(move.method, move.url, json=accepted, status=201)
        answer = move(provider)
        assert (answer.outcome, answer.receipt, answer.is_unlisted) == (Outcome.PENDING, "", False)
        assert answer.provider_reference == CONVERSATION

    @each_money_call
    @pytest.mark.parametrize(("status", "code", "meaning"), REFUSED)
    def test_each_code_of_the_outcome_table(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        move: MoneyCall,
        status: int,
        code: str,
        meaning: Meaning,
    ) -> None:
        refusal = {**refused(code), "output_TransactionID": RECEIPT}
        wire.add(move.method, move.url, json=refusal, status=status)
        answer = move(provider)
        assert (answer.outcome, answer.reason, answer.code) == (*meaning, code)
        assert (answer.message, answer.receipt, answer.is_unlisted) == ("words", "", False)
        assert len(self.calls_to(wire, move.url)) == 1

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 500])
    def test_the_code_decides_whatever_the_status(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.collect_with(wire, provider, json=refused("INS-6"), status=status)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.DECLINED)
        assert len(self.calls_to(wire, COLLECT_URL)) == 1

    @each_money_call
    @pytest.mark.parametrize("code", UNLISTED)
    def test_an_unlisted_code_is_unknown_and_told_as_such(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall, code: str
    ) -> None:
        wire.add(move.method, move.url, json=refused(code), status=400)
        answer = move(provider)
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, code, True)

    @each_money_call
    @pytest.mark.parametrize("answered", UNCLEAR)
    def test_what_is_no_clear_answer_is_unknown(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        move: MoneyCall,
        answered: dict[str, Any],
    ) -> None:
        wire.add(move.method, move.url, **answered)
        answer = move(provider)
        assert (answer.outcome, answer.is_unlisted) == (Outcome.UNKNOWN, False)
        assert len(self.calls_to(wire, move.url)) == 1

    @each_money_call
    def test_an_answer_about_another_conversation_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall
    ) -> None:
        for answered in (sample("push_paid"), refused("INS-6")):
            other = {**answered, "output_ThirdPartyConversationID": "OTHER"}
            wire.add(move.method, move.url, json=other, status=201)
            assert move(provider).outcome == Outcome.UNKNOWN

    def test_a_duplicate_does_not_lend_its_conversation_to_the_request_that_was_taken(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, json=refused("INS-10"), status=409)
        assert (answer.outcome, answer.provider_reference) == (Outcome.UNKNOWN, "")

    @each_money_call
    def test_too_many_requests_are_not_sent(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall
    ) -> None:
        wire.add(move.method, move.url, body="slow down", status=429)
        answer = move(provider)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)

    def test_a_refusal_with_many_requests_is_a_refusal(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, json=refused("INS-15"), status=429)
        assert answer.outcome == Outcome.FAILED

    # Sessions that are dead or spent

    @each_money_call
    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("body", ["", "<html>", '{"output_error": "Unauthorized"}'])
    def test_a_dead_session_is_renewed_and_the_same_conversation_sent_again(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        move: MoneyCall,
        status: int,
        body: str,
    ) -> None:
        wire.add(move.method, move.url, body=body, status=status)
        wire.add(move.method, move.url, json=sample("push_paid"), status=201)
        assert move(provider).outcome == Outcome.SUCCEEDED
        first, second = self.calls_to(wire, move.url)
        assert first.request.body == second.request.body
        assert len(self.calls_to(wire, SESSION_URL)) == 2

    @each_money_call
    @pytest.mark.parametrize("code", SPENT)
    def test_a_spent_session_is_renewed_once_and_then_the_request_has_failed(
        self, wire: responses.RequestsMock, provider: Provider, move: MoneyCall, code: str
    ) -> None:
        wire.add(move.method, move.url, json=refused(code), status=400)
        answer = move(provider)
        assert (answer.outcome, answer.reason, answer.code) == (*MISCONFIGURED, code)
        assert (answer.message, answer.is_unlisted) == ("words", False)
        assert (answer.request["url"], answer.response["status"]) == (move.url, 400)
        first, second = self.calls_to(wire, move.url)
        assert first.request.body == second.request.body
        assert len(self.calls_to(wire, SESSION_URL)) == 2

    def test_a_spent_session_may_be_followed_by_one_that_works(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, COLLECT_URL, json=refused("INS-993"), status=400)
        answer = self.collect_with(wire, provider, json=sample("push_paid"), status=201)
        assert answer.outcome == Outcome.SUCCEEDED

    @each_money_call
    @pytest.mark.parametrize(
        "answered",
        [
            {"json": sample("token", output_ResponseCode="INS-989"), "status": 400},
            {"json": sample("token", output_ResponseCode="INS-989")},
            {"json": sample("token", output_ResponseCode="INS-993"), "status": 400},
            {"json": sample("token"), "status": 201},
            {"json": sample("token", output_SessionID="")},
            {"json": sample("token", output_SessionID=None)},
            {"body": requests.exceptions.ConnectionError()},
        ],
    )
    def test_without_a_session_no_money_is_asked_for(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        move: MoneyCall,
        answered: dict[str, Any],
    ) -> None:
        wire.replace("GET", SESSION_URL, **answered)
        answer = move(provider)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert "fakesession" not in repr(answer)
        assert self.calls_to(wire, move.url) == []

    @pytest.mark.parametrize("key", ["", "not base64!", b64encode(b"no key").decode()])
    def test_without_a_usable_public_key_nothing_is_sent(
        self, wire: responses.RequestsMock, key: str
    ) -> None:
        provider = build(MemoryTokenStore(), public_key=key)
        answer = provider.collect(COLLECTION)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)
        assert "public key" in answer.message
        assert not provider.health().is_up
        assert len(wire.calls) == 0

    # Outgoing money

    def test_what_it_can_do_is_described(self, provider: Provider) -> None:
        description = provider.description
        assert (description.can_query, description.query_without_handle) == (True, True)
        assert (description.can_query_disbursement, description.can_query_reversal) == (True, True)
        assert description.not_found_grace_seconds == 300

    def test_a_disbursement_goes_to_a_phone(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, DISBURSE_URL, json=sample("push_paid"), status=201)
        answer = provider.disburse(DISBURSEMENT)
        (call,) = self.calls_to(wire, DISBURSE_URL)
        assert sent_json(call) == {
            "input_Amount": "4500",
            "input_CustomerMSISDN": "255754123456",
            "input_Country": "TZN",
            "input_Currency": "TZS",
            "input_ServiceProviderCode": "000000",
            "input_TransactionReference": "ABC123DEF456",
            "input_ThirdPartyConversationID": "ABC123DEF456",
            "input_PaymentItemsDesc": "Owner s share Nov 2026",
        }
        assert call.request.req_kwargs["timeout"] == (5, 30)  # type: ignore[attr-defined]
        assert PHONE not in repr(answer)

    def test_a_refund_reverses_the_receipt_by_its_amount(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.PUT, REVERSAL_URL, json=sample("push_paid"), status=201)
        provider.refund(REFUND)
        (call,) = self.calls_to(wire, REVERSAL_URL)
        assert sent_json(call) == {
            "input_TransactionID": "zz1Collected",
            "input_ReversalAmount": "2000",
            "input_Country": "TZN",
            "input_ServiceProviderCode": "000000",
            "input_ThirdPartyConversationID": "ABC123DEF456",
        }

    # Asking

    def ask(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        question: StatusQuestion | TransferQuestion = QUESTION,
        **answered: Any,
    ) -> Answer:
        wire.add(responses.GET, STATUS_URL, **answered)
        if isinstance(question, TransferQuestion):
            return provider.query_disbursement(question)
        return provider.query(question)

    def test_a_question_names_our_reference_under_a_fresh_conversation(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.ask(wire, provider, json=sample("status_completed"))
        self.ask(wire, provider, ABOUT_REVERSAL, json=sample("status_completed"))
        asked = [
            parse_qs(urlsplit(str(call.request.url)).query)
            for call in self.calls_to(wire, STATUS_URL)
        ]
        conversations = [each.pop("input_ThirdPartyConversationID")[0] for each in asked]
        assert len({*conversations, "ABC123DEF456"}) == 3
        assert all(len(each) == 32 and each.isalnum() for each in conversations)
        assert asked == 2 * [
            {
                "input_QueryReference": ["ABC123DEF456"],
                "input_ServiceProviderCode": ["000000"],
                "input_Country": ["TZN"],
            }
        ]

    @pytest.mark.parametrize("question", [QUESTION, ABOUT_DISBURSEMENT, ABOUT_REVERSAL])
    @pytest.mark.parametrize(("status", "meaning"), STATUSES.items())
    def test_each_status_of_a_transaction(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        question: StatusQuestion | TransferQuestion,
        status: object,
        meaning: Meaning,
    ) -> None:
        body = sample("status_completed", output_ResponseTransactionStatus=status)
        answer = self.ask(wire, provider, question, json=body)
        assert (answer.outcome, answer.reason) == meaning
        assert answer.receipt == (RECEIPT if answer.outcome == Outcome.SUCCEEDED else "")
        assert (answer.not_found, answer.is_unlisted) == (False, False)
        assert answer.code == (status or "INS-0")
        assert answer.message == body["output_ResponseDesc"]
        assert (answer.request["url"], answer.response["status"]) == (STATUS_URL, 200)

    @pytest.mark.parametrize("status", UNLISTED_STATUSES)
    def test_an_unlisted_status_is_unknown_and_told_as_such(
        self, wire: responses.RequestsMock, provider: Provider, status: str
    ) -> None:
        body = sample("status_completed", output_ResponseTransactionStatus=status)
        answer = self.ask(wire, provider, json=body)
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, status, True)

    @pytest.mark.parametrize(
        ("value", "outcome"),
        [
            ("True", Outcome.REVERSED),
            (True, Outcome.REVERSED),
            ("true", Outcome.REVERSED),
            ("False", Outcome.SUCCEEDED),
            (False, Outcome.SUCCEEDED),
            (None, Outcome.SUCCEEDED),
            ("", Outcome.SUCCEEDED),
            ("N/A", Outcome.SUCCEEDED),
            ("partly", Outcome.UNKNOWN),
        ],
    )
    def test_a_completed_payment_may_have_been_reversed(
        self, wire: responses.RequestsMock, provider: Provider, value: object, outcome: Outcome
    ) -> None:
        body = sample("status_completed", output_Reversed=value)
        assert self.ask(wire, provider, json=body).outcome == outcome
        assert self.ask(wire, provider, ABOUT_DISBURSEMENT, json=body).outcome == outcome

    def test_a_reversal_that_is_completed_has_succeeded_whatever_is_reversed(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = sample("status_completed", output_Reversed="True")
        answer = self.ask(wire, provider, ABOUT_REVERSAL, json=body)
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, RECEIPT)

    def test_a_reversal_does_not_take_the_collections_receipt_for_its_own(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = sample("status_completed", output_OriginalTransactionID=REFUND.receipt)
        answer = self.ask(wire, provider, ABOUT_REVERSAL, json=body)
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "")

    def test_other_names_of_status_and_receipt_are_read_too(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = {
            "output_ResponseCode": "INS-0",
            "output_TransactionStatus": "Completed",
            "output_TransactionID": "AltReceipt01",
        }
        answer = self.ask(wire, provider, json=body)
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "AltReceipt01")

    def test_a_query_that_worked_is_no_payment(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = sample("status_completed")
        del body["output_ResponseTransactionStatus"]
        assert self.ask(wire, provider, json=body).outcome == Outcome.PENDING

    @pytest.mark.parametrize("question", [QUESTION, ABOUT_DISBURSEMENT, ABOUT_REVERSAL])
    @pytest.mark.parametrize("code", ["INS-23", "INS-6140"])
    def test_not_found_is_unknown_and_said_to_be_not_found(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        question: StatusQuestion | TransferQuestion,
        code: str,
    ) -> None:
        answer = self.ask(wire, provider, question, json=refused(code), status=400)
        assert (answer.outcome, answer.not_found, answer.code) == (Outcome.UNKNOWN, True, code)
        assert (answer.message, answer.is_unlisted) == ("words", False)
        assert (answer.request["url"], answer.response["status"]) == (STATUS_URL, 400)

    @pytest.mark.parametrize(
        ("answered", "is_unlisted"),
        [
            ({"json": refused("INS-1"), "status": 400}, False),
            ({"json": refused("INS-6"), "status": 401}, False),
            ({"json": refused("INS-9"), "status": 408}, False),
            ({"json": refused("INS-992"), "status": 400}, False),
            ({"json": refused("INS-7777"), "status": 400}, True),
            ({"json": sample("status_completed"), "status": 500}, False),
            ({"json": sample("status_completed", output_ResponseCode="INS-1")}, False),
            ({"json": sample("status_completed", output_ResponseCode=None)}, False),
            ({"body": "<html>", "status": 502}, False),
            ({"body": requests.exceptions.ReadTimeout()}, False),
            ({"body": "", "status": 401}, False),
        ],
    )
    def test_a_question_without_an_answer_tells_nothing(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        answered: dict[str, Any],
        is_unlisted: bool,
    ) -> None:
        answer = self.ask(wire, provider, **answered)
        assert (answer.outcome, answer.reason, answer.not_found) == (Outcome.UNKNOWN, None, False)
        assert answer.is_unlisted == is_unlisted

    # Callbacks

    def result(self, **changes: Any) -> bytes:
        return json.dumps(sample("callback_success", **changes)).encode()

    def test_a_callback_names_our_reference_and_its_own(self, provider: Provider) -> None:
        notice = provider.parse_callback(self.result(), {})
        assert (notice.reference, notice.provider_reference) == ("ABC123DEF456", CONVERSATION)
        assert (notice.kind, notice.answer.receipt) == (NoticeKind.COLLECTION, RECEIPT)
        assert notice.answer.provider_reference == CONVERSATION
        assert (notice.answer.amount, notice.answer.msisdn) == (None, None)

    @pytest.mark.parametrize("code", ["INS-0", "0", 0])
    def test_both_words_for_success_are_read(self, provider: Provider, code: object) -> None:
        answer = provider.parse_callback(self.result(input_ResultCode=code), {}).answer
        assert (answer.outcome, answer.code, answer.is_unlisted) == (
            Outcome.SUCCEEDED,
            "INS-0",
            False,
        )

    @pytest.mark.parametrize("receipt", ["N/A", "", None])
    def test_success_without_a_receipt_is_only_accepted(
        self, provider: Provider, receipt: object
    ) -> None:
        body = self.result(input_TransactionID=receipt)
        assert provider.parse_callback(body, {}).answer.outcome == Outcome.PENDING

    @pytest.mark.parametrize(
        ("code", "meaning"),
        [*((code, meaning) for _, code, meaning in REFUSED), *((c, MISCONFIGURED) for c in SPENT)],
    )
    def test_each_code_of_a_callback(self, provider: Provider, code: str, meaning: Meaning) -> None:
        answer = provider.parse_callback(self.result(input_ResultCode=code), {}).answer
        assert (answer.outcome, answer.reason, answer.code) == (*meaning, code)
        assert (answer.receipt, answer.is_unlisted) == ("", False)

    @pytest.mark.parametrize("code", ["INS-5", "INS-7777", "1", "00"])
    def test_an_unlisted_code_of_a_callback_is_unknown(self, provider: Provider, code: str) -> None:
        answer = provider.parse_callback(self.result(input_ResultCode=code), {}).answer
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, code, True)

    @pytest.mark.parametrize(
        "change",
        [
            {"input_ThirdPartyConversationID": None},
            {"input_ThirdPartyConversationID": "N/A"},
            {"input_ThirdPartyConversationID": []},
            {"input_ThirdPartyConversationID": "K" * 101},
            {"input_ResultCode": None},
            {"input_ResultCode": ""},
            {"input_ResultCode": False},
        ],
    )
    def test_a_callback_without_its_facts_is_malformed(
        self, provider: Provider, change: dict[str, Any]
    ) -> None:
        with pytest.raises(MalformedCallback):
            provider.parse_callback(self.result(**change), {})

    def test_a_callback_is_answered_with_both_its_conversations(self, provider: Provider) -> None:
        expected = {
            "output_OriginalConversationID": CONVERSATION,
            "output_ResponseCode": "0",
            "output_ResponseDesc": "Successfully Accepted Result",
            "output_ThirdPartyConversationID": "ABC123DEF456",
        }
        for body in (self.result(), self.result(input_ResultCode="INS-6"), self.result()[:-1]):
            assert json.loads(provider.acknowledge(body).body) == expected
        cut_off = json.loads(provider.acknowledge(self.result()[:-10]).body)
        assert cut_off == {**expected, "output_ThirdPartyConversationID": ""}

    def test_its_callbacks_are_told_from_darajas(self) -> None:
        assert recognises(self.result())
        assert recognises(self.result()[:40])
        assert recognises(json.dumps(sample("callback_failure"), indent=2).encode())
        words = {"BillRefNumber": '"input_ResultCode": "INS-0"'}
        for body in (
            json.dumps(payload("mpesa_daraja", "callback_success")).encode(),
            json.dumps(words).encode(),
            *(b"", b"\xff\xfe", b"[" * 100_000, b"input_ResultCode"),
        ):
            assert not recognises(body)


class Outgoing(OutgoingContract):
    """What disbursement and reversal have in common: both are done when they are answered."""

    dialect = "mpesa_openapi"
    token_url = SESSION_URL
    token_method = "GET"
    taken_status = 201
    reversal = Reversal.PART
    unlisted = (400, "INS-999")
    secrets: ClassVar[tuple[str, ...]] = ("fake-openapi-key", "fakesession0000000000000000000001")

    def build(self, tokens: TokenStore, base_url: str = BASE_URL) -> MpesaOpenApi:
        return build(tokens, base_url=base_url)

    def tokens_on_the_wire(self) -> tuple[str, ...]:
        return ()  # encrypted anew for each request, as above


class TestDisbursement(Outgoing):
    url = DISBURSE_URL
    refusal = (422, Reason.INSUFFICIENT_FUNDS)
    refusal_words = "Insufficient Balance"


class TestReversal(Outgoing):
    call = "refund"
    sample = "reversal"
    method = "PUT"
    url = REVERSAL_URL
    refusal = (400, Reason.CONFIGURATION)
    refusal_words = "Invalid TransactionID Used"


class TestSessions:
    """A session is usable after 30 s and for 3000 s; the token store is shared by processes."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def store(self, clock: Clock) -> MemoryTokenStore:
        return MemoryTokenStore(clock=clock)

    @pytest.fixture
    def wire(self) -> Iterator[responses.RequestsMock]:
        """Sessions s1, s2 and so on; every payment succeeds."""
        opened: list[str] = []

        def open_session(request: Any) -> tuple[int, dict[str, str], str]:
            opened.append(f"s{len(opened) + 1}")
            return 200, {}, json.dumps(sample("token", output_SessionID=opened[-1]))

        with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
            wire.add_callback(responses.GET, SESSION_URL, open_session)
            wire.add(responses.POST, COLLECT_URL, json=sample("push_paid"), status=201)
            yield wire

    def worker(self, store: MemoryTokenStore, clock: Clock) -> MpesaOpenApi:
        return build(store, clock, session_delay_seconds=30)

    def used(self, wire: responses.RequestsMock) -> list[str]:
        """The session of each payment so far."""
        return [bearer(call.request) for call in wire.calls if call.request.url == COLLECT_URL]

    def opened(self, wire: responses.RequestsMock) -> int:
        return sum(call.request.url == SESSION_URL for call in wire.calls)

    def test_a_fresh_session_is_not_used_before_its_delay_is_over(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        assert provider.collect(COLLECTION).outcome == Outcome.SUCCEEDED
        provider.collect(COLLECTION)
        assert clock.slept == [30]
        assert (self.used(wire), self.opened(wire)) == (["s1", "s1"], 1)

    def test_another_process_waits_only_for_what_is_left_of_the_delay(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        assert self.worker(store, clock).health().is_up
        assert clock.slept == []
        clock.now += 20
        self.worker(store, clock).collect(COLLECTION)
        assert clock.slept == [10]
        assert (self.used(wire), self.opened(wire)) == (["s1"], 1)

    def test_a_session_is_renewed_before_its_end_and_nobody_waits(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider, other = self.worker(store, clock), self.worker(store, clock)
        provider.health()
        for at in (2639, 2640, 2669, 2670, 2999):
            clock.now = Clock.now + at
            provider.collect(COLLECTION)
            other.collect(COLLECTION)
        # Renewed at 2640: 3000 less the reserve of 30, the delay of 30 and the 300 ahead.
        assert self.used(wire) == 6 * ["s1"] + 4 * ["s2"]
        assert self.opened(wire) == 2
        assert clock.slept == []

    def test_a_renewal_that_fails_leaves_the_old_session_in_use_and_is_tried_again_later(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        provider.health()
        wire.replace("GET", SESSION_URL, body="<html>", status=500)
        clock.now += 2700
        for _ in range(3):
            assert provider.collect(COLLECTION).outcome == Outcome.SUCCEEDED
        assert (self.used(wire), self.opened(wire)) == (3 * ["s1"], 2)
        clock.now += 15
        provider.collect(COLLECTION)
        assert (self.used(wire), self.opened(wire)) == (4 * ["s1"], 3)

    def test_a_session_is_not_used_to_its_very_end(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        provider.health()
        clock.now += 2970
        provider.collect(COLLECTION)
        assert (self.used(wire), clock.slept) == (["s2"], [30])

    def test_a_session_that_has_ended_does_not_serve_while_the_next_is_waited_for(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        provider.health()
        for at in (2965, 2975):
            clock.now = Clock.now + at
            provider.collect(COLLECTION)
        assert (self.used(wire), clock.slept) == (["s1", "s2"], [20])

    def test_two_processes_that_renew_at_once_open_one_session(
        self,
        wire: responses.RequestsMock,
        store: MemoryTokenStore,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        provider, faster = self.worker(store, clock), self.worker(store, clock)
        provider.health()
        clock.now += 2700
        refreshing = store.refreshing

        def overtaken(name: str) -> AbstractContextManager[None]:
            monkeypatch.setattr(store, "refreshing", refreshing)
            faster.collect(COLLECTION)
            return refreshing(name)

        monkeypatch.setattr(store, "refreshing", overtaken)
        provider.collect(COLLECTION)
        assert (self.used(wire), self.opened(wire)) == (["s1", "s1"], 2)

    def test_a_short_life_is_renewed_ahead_too(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = build(store, clock, session_delay_seconds=30, session_seconds=300)
        provider.health()
        for at in (164, 165, 194, 195):  # 300 less 30, the delay of 30 and a quarter
            clock.now = Clock.now + at
            provider.collect(COLLECTION)
        assert (self.used(wire), clock.slept) == (["s1", "s1", "s1", "s2"], [])

    def test_a_dead_session_is_dropped_for_everybody_and_the_next_is_waited_for(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        self.worker(store, clock).health()
        clock.now += 100
        wire.replace(responses.POST, COLLECT_URL, body="", status=401)
        wire.add(responses.POST, COLLECT_URL, json=sample("push_paid"), status=201)
        assert self.worker(store, clock).collect(COLLECTION).outcome == Outcome.SUCCEEDED
        self.worker(store, clock).collect(COLLECTION)
        assert self.used(wire) == ["s1", "s2", "s2"]
        assert clock.slept == [30]

    def test_the_next_session_serves_when_the_old_one_dies_early(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        provider.health()
        clock.now += 2650
        provider.collect(COLLECTION)
        clock.now += 10
        wire.replace(responses.POST, COLLECT_URL, body="", status=401)
        wire.add(responses.POST, COLLECT_URL, json=sample("push_paid"), status=201)
        assert provider.collect(COLLECTION).outcome == Outcome.SUCCEEDED
        assert self.used(wire) == ["s1", "s1", "s2"]
        assert (self.opened(wire), clock.slept) == (2, [20])

    def test_a_bearer_is_encrypted_anew_for_each_call(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        provider = self.worker(store, clock)
        provider.collect(COLLECTION)
        provider.collect(COLLECTION)
        first, second = [call for call in wire.calls if call.request.url == COLLECT_URL]
        assert first.request.headers["Authorization"] != second.request.headers["Authorization"]
        assert bearer(first.request) == bearer(second.request)

    @pytest.mark.parametrize("value", ["s0", "{}", '[{"id": "s0"}]', "[1]", "7"])
    def test_what_another_release_has_kept_is_replaced(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock, value: str
    ) -> None:
        provider = build(store, clock)
        provider.collect(COLLECTION)
        (name,) = store._tokens
        store.put(name, Token(value, 3000))
        provider.collect(COLLECTION)
        assert self.used(wire) == ["s1", "s2"]

    def test_applications_do_not_share_a_session(
        self, wire: responses.RequestsMock, store: MemoryTokenStore, clock: Clock
    ) -> None:
        build(store, clock).collect(COLLECTION)
        build(store, clock, api_key="another").collect(COLLECTION)
        assert self.used(wire) == ["s1", "s2"]


class TestPublicKey:
    def test_a_key_may_be_broken_into_lines(self) -> None:
        text = public_text(platform_key())
        broken = f"{text[:64]}\n{text[64:]}\n"
        assert read_public_key(broken) == platform_key().public_key()

    def test_another_kind_of_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="RSA"):
            read_public_key(public_text(ec.generate_private_key(ec.SECP256R1())))
