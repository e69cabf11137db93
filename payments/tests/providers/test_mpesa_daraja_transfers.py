"""Disbursement, reversal and their status by Daraja: the M-Pesa fact sheet, 2.6, 2.7, its table."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from payments.providers.base import (
    MalformedCallback,
    Notice,
    NoticeKind,
    Outcome,
    Reason,
    Refund,
    Reversal,
    TransferQuestion,
)
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.providers.mpesa_daraja.initiator import security_credential
from payments.tests.certificates import certificate, elliptic_certificate, private_key
from payments.tests.providers.contract import BASE_URL, PHONE, payload, sent_json
from payments.tests.providers.outgoing_contract import (
    DISBURSEMENT,
    DISBURSEMENT_QUESTION,
    OutgoingContract,
)

DISBURSEMENT_URL = f"{BASE_URL}/mpesa/b2c/v3/paymentrequest"
REVERSAL_URL = f"{BASE_URL}/mpesa/reversal/v1/request"
STATUS_URL = f"{BASE_URL}/mpesa/transactionstatus/v1/query"
CALLBACK_TOKEN = "fake-callback-token-7c1e"
RESULT_URLS = {
    "ResultURL": f"https://konektika.example/api/webhooks/in/s/result/{CALLBACK_TOKEN}",
    "QueueTimeOutURL": f"https://konektika.example/api/webhooks/in/s/timeout/{CALLBACK_TOKEN}",
}
REFUND = Refund(
    reference="REF123DEF456",
    receipt="NLJ7RT61SV",
    collection_reference="ABC123DEF456",
    amount=2000,
    msisdn=PHONE,
    description="Konektika refund",
    callback_token=CALLBACK_TOKEN,
)
DISBURSED_HANDLE = "AG_20261124_000059c4c7b5a3c1f2e0"
REVERSED_HANDLE = "AG_20261124_00004ed2a9c1b7f3d6a1"
ABOUT_REVERSAL = TransferQuestion(
    reference=REFUND.reference,
    provider_reference=REVERSED_HANDLE,
    is_reversal=True,
    receipt=REFUND.receipt,
    collection_reference=REFUND.collection_reference,
    callback_token=CALLBACK_TOKEN,
)

Row = tuple[Outcome, Reason | None]
MISCONFIGURED: Row = (Outcome.FAILED, Reason.CONFIGURATION)
UNKNOWN: Row = (Outcome.UNKNOWN, None)
NOT_SENT: Row = (Outcome.NOT_SENT, Reason.UNAVAILABLE)

# The outcome table's rows of an answer to a request: status, errorCode, errorMessage.
ERRORS: list[tuple[int, str, str, Row]] = [
    (400, "400.002.02", "Bad Request - Invalid Amount", MISCONFIGURED),
    (400, "400.002.05", "Invalid Request Payload", MISCONFIGURED),
    (404, "404.001.01", "Resource not found", MISCONFIGURED),
    (404, "404.001.03", "Invalid Access Token", NOT_SENT),
    (401, "401.002.01", "Invalid Access Token", NOT_SENT),
    (400, "400.003.01", "Invalid Access Token", NOT_SENT),
    (500, "500.001.1001", "Wrong credentials", MISCONFIGURED),
    (500, "500.001.1001", "Merchant does not exist", MISCONFIGURED),
    (500, "500.001.1001", "Unable to lock subscriber", (Outcome.FAILED, Reason.BUSY)),
    (500, "500.001.1001", "Server Error", UNKNOWN),
    (500, "500.003.02", "System is busy", NOT_SENT),
    (500, "500.003.03", "Quota Violation", NOT_SENT),
    (429, "500.003.02", "Spike arrest", NOT_SENT),
    (500, "500.003.1001", "Internal Server Error", UNKNOWN),
]
# The same table's rows of a result, with the codes of 2.6 and 2.7 that it sums up.
RESULTS: dict[object, Row] = {
    1: MISCONFIGURED,
    2: (Outcome.FAILED, Reason.LIMIT),
    3: (Outcome.FAILED, Reason.LIMIT),
    4: (Outcome.FAILED, Reason.LIMIT),
    8: (Outcome.FAILED, Reason.LIMIT),
    11: MISCONFIGURED,
    15: UNKNOWN,
    17: UNKNOWN,
    18: MISCONFIGURED,
    19: MISCONFIGURED,
    20: MISCONFIGURED,
    21: MISCONFIGURED,
    22: MISCONFIGURED,
    26: (Outcome.FAILED, Reason.BUSY),
    2001: MISCONFIGURED,
    2006: MISCONFIGURED,
    2028: MISCONFIGURED,
    2040: (Outcome.FAILED, Reason.NOT_REGISTERED),
    8006: MISCONFIGURED,
    "SFC_IC0003": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "R000001": UNKNOWN,
    "R000002": MISCONFIGURED,
}
STATUSES: dict[str, Row] = {
    "Completed": (Outcome.SUCCEEDED, None),
    "Cancelled": (Outcome.FAILED, Reason.DECLINED),
    "Declined": (Outcome.FAILED, Reason.DECLINED),
    "Expired": (Outcome.FAILED, Reason.DECLINED),
    "Failed": (Outcome.FAILED, Reason.DECLINED),
    "Rejected": (Outcome.FAILED, Reason.DECLINED),
    "Pending": (Outcome.PENDING, None),
    "N/A": (Outcome.PENDING, None),
}
# What a result's parameters are read for.
READ = [
    *("TransactionStatus", "ReceiptNo", "InitiatedTime", "FinalisedTime"),
    *("TransactionReceipt", "TransactionCompletedDateTime", "TransCompletedTime"),
    *("TransactionAmount", "Amount"),
    *("ReceiverPartyPublicName", "CreditPartyPublicName", "CreditPartyName"),
    *("OriginatorConversationID", "ConversationID"),
]


def build(tokens: TokenStore | None = None, **changes: Any) -> MpesaDaraja:
    settings: dict[str, Any] = {
        "consumer_key": "fake-consumer-key",
        "consumer_secret": "fake-consumer-secret",
        "business_shortcode": "174379",
        "passkey": "fake-passkey",
        "callback_url": "https://konektika.example/api/webhooks/in/s",
        "base_url": BASE_URL,
        "amount_min": 1,
        "amount_max": 3_000_000,
        "initiator_name": "konektika-api",
        "initiator_password": "fake-initiator-password",
        "certificate": certificate(),
        "result_url": "https://konektika.example/api/webhooks/in/s/",
    }
    config = MpesaDarajaConfig(**{**settings, **changes})
    return MpesaDaraja(config, tokens or MemoryTokenStore())


@pytest.fixture
def provider() -> MpesaDaraja:
    return build()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{BASE_URL}/oauth/v1/generate", json=sample("token"))
        yield wire


def sample(name: str) -> dict[str, Any]:
    return payload("mpesa_daraja", name)


def calls_to(wire: responses.RequestsMock, url: str) -> list[responses.Call]:
    return [call for call in wire.calls if call.request.url == url]


def sent_to(wire: responses.RequestsMock, url: str) -> dict[str, Any]:
    """The one request's body, its credential read as the provider reads it."""
    (call,) = calls_to(wire, url)
    body: dict[str, Any] = sent_json(call)
    body["SecurityCredential"] = read_by_the_provider(body["SecurityCredential"])
    return body


def read_by_the_provider(credential: str) -> str:
    return private_key().decrypt(b64decode(credential), PKCS1v15()).decode()


def result(name: str, **changes: Any) -> bytes:
    body = sample(name)
    body["Result"].update(changes)
    return json.dumps(body).encode()


def parse(body: bytes) -> Notice:
    return build(certificate="").parse_callback(body, {})


def pairs(**values: Any) -> dict[str, Any]:
    return {"ResultParameter": [{"Key": key, "Value": value} for key, value in values.items()]}


class Outgoing(OutgoingContract):
    """What disbursement and reversal have in common: both results come by callback."""

    dialect = "mpesa_daraja"
    token_url = f"{BASE_URL}/oauth/v1/generate"
    token_method = "GET"
    dead_token_status = 404
    taken = Outcome.PENDING
    refusal = (400, Reason.CONFIGURATION)
    unlisted = (500, "599.001")
    reversal = Reversal.PART
    secrets: ClassVar[tuple[str, ...]] = (
        "fake-consumer-secret",
        "fake-initiator-password",
        CALLBACK_TOKEN,
    )

    def build(self, tokens: TokenStore, base_url: str = BASE_URL) -> MpesaDaraja:
        return build(tokens, base_url=base_url)


class TestDisbursement(Outgoing):
    url = DISBURSEMENT_URL
    refusal_words = "Bad Request - Invalid PartyB"


class TestReversal(Outgoing):
    call = "refund"
    sample = "reversal"
    url = REVERSAL_URL
    refusal_words = "Bad Request - Invalid TransactionID"


# What the dialect can do


def test_with_an_initiator_money_goes_out_and_back(provider: MpesaDaraja) -> None:
    description = provider.description
    assert (description.disburses, description.reversal) == (True, Reversal.PART)
    assert (description.can_query_disbursement, description.can_query_reversal) == (True, True)


@pytest.mark.parametrize(
    "change",
    [
        {"initiator_name": ""},
        {"initiator_password": ""},
        {"certificate": ""},
        {"certificate": "/nowhere.pem"},
    ],
)
def test_without_a_whole_initiator_nothing_goes_out(
    wire: responses.RequestsMock, change: dict[str, Any]
) -> None:
    provider = build(**change)
    description = provider.description
    assert (description.disburses, description.reversal) == (False, Reversal.NONE)
    assert (description.can_query_disbursement, description.can_query_reversal) == (False, False)
    for answer in (provider.disburse(DISBURSEMENT), provider.refund(REFUND)):
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.CONFIGURATION)
        assert answer.message
    assert provider.query_disbursement(DISBURSEMENT_QUESTION).outcome == Outcome.UNKNOWN
    assert len(wire.calls) == 0


# The initiator's password


def test_only_the_provider_can_read_the_password(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text(certificate(), encoding="ascii")
    in_one_line = certificate().replace("\n", "\\n")
    for source in (certificate(), str(file), in_one_line):
        credential = security_credential("fake-initiator-password", source)
        assert read_by_the_provider(credential) == "fake-initiator-password"


@pytest.mark.parametrize(
    "unusable",
    ["/nowhere.pem", "-----BEGIN CERTIFICATE-----", "x" * 5000, "\0", elliptic_certificate()],
)
def test_a_certificate_that_cannot_be_used_is_told(unusable: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        security_credential("fake-initiator-password", unusable)


def test_the_password_is_encrypted_once(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(DISBURSEMENT_URL, json=sample("disbursement_taken"))
    provider.disburse(DISBURSEMENT)
    provider.disburse(DISBURSEMENT)
    first, second = calls_to(wire, DISBURSEMENT_URL)
    assert first.request.body == second.request.body


# Requests


def test_a_disbursement_goes_out_under_our_reference(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(DISBURSEMENT_URL, json=sample("disbursement_taken"))
    answer = provider.disburse(DISBURSEMENT)
    assert (answer.outcome, answer.reason, answer.receipt) == (Outcome.PENDING, None, "")
    assert answer.provider_reference == DISBURSED_HANDLE
    assert sent_to(wire, DISBURSEMENT_URL) == {
        "OriginatorConversationID": "PAY123DEF456",
        "InitiatorName": "konektika-api",
        "SecurityCredential": "fake-initiator-password",
        "CommandID": "BusinessPayment",
        "Amount": 5000,
        "PartyA": "174379",
        "PartyB": PHONE,
        "Remarks": "Konektika payout",
        "Occassion": "PAY123DEF456",
        **RESULT_URLS,
    }


def test_a_refund_reverses_a_part_of_a_receipt(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(REVERSAL_URL, json=sample("reversal_taken"))
    answer = provider.refund(replace(REFUND, description="x" * 150))
    assert (answer.outcome, answer.reason, answer.receipt) == (Outcome.PENDING, None, "")
    assert answer.provider_reference == REVERSED_HANDLE
    assert sent_to(wire, REVERSAL_URL) == {
        "Initiator": "konektika-api",
        "SecurityCredential": "fake-initiator-password",
        "CommandID": "TransactionReversal",
        "TransactionID": "NLJ7RT61SV",
        "Amount": 2000,
        "ReceiverParty": "174379",
        "RecieverIdentifierType": "11",
        "Remarks": "x" * 100,
        **RESULT_URLS,
    }


@pytest.mark.parametrize("call", ["disburse", "refund"])
@pytest.mark.parametrize(("status", "code", "message", "row"), ERRORS)
def test_each_refusal_of_a_request(
    wire: responses.RequestsMock,
    provider: MpesaDaraja,
    call: str,
    status: int,
    code: str,
    message: str,
    row: Row,
) -> None:
    error = {"requestId": "1-2-3", "errorCode": code, "errorMessage": message}
    for url in (DISBURSEMENT_URL, REVERSAL_URL):
        wire.post(url, json=error, status=status)
    answer = provider.disburse(DISBURSEMENT) if call == "disburse" else provider.refund(REFUND)
    assert (answer.outcome, answer.reason) == row
    assert not answer.is_unlisted


def test_a_refusal_keeps_the_providers_code_and_words(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(DISBURSEMENT_URL, json=sample("disbursement_refused"), status=400)
    answer = provider.disburse(DISBURSEMENT)
    assert (answer.outcome, answer.provider_reference) == (Outcome.FAILED, "")
    assert (answer.code, answer.message) == ("400.002.02", "Bad Request - Invalid PartyB")


def test_a_duplicate_disbursement_is_pending_for_the_first_one_landed(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    duplicate = sample("disbursement_duplicate")
    wire.post(DISBURSEMENT_URL, json=duplicate, status=500)
    wire.post(REVERSAL_URL, json=duplicate, status=500)
    answer = provider.disburse(DISBURSEMENT)
    assert (answer.outcome, answer.code) == (Outcome.PENDING, "500.002.1001")
    assert provider.refund(REFUND).outcome == Outcome.UNKNOWN


def test_another_response_code_is_unknown_and_for_staff(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    wire.post(DISBURSEMENT_URL, json={**sample("disbursement_taken"), "ResponseCode": "7"})
    said = provider.disburse(DISBURSEMENT)
    assert (said.outcome, said.code, said.is_unlisted) == (Outcome.UNKNOWN, "7", True)


def test_nothing_secret_is_kept_of_what_was_sent(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    def mirror(request: requests.PreparedRequest) -> tuple[int, dict[str, str], Any]:
        return 200, {}, request.body

    for url in (DISBURSEMENT_URL, REVERSAL_URL, STATUS_URL):
        wire.add_callback(responses.POST, url, callback=mirror)
    for answer in (
        provider.disburse(DISBURSEMENT),
        provider.refund(REFUND),
        provider.query_disbursement(DISBURSEMENT_QUESTION),
    ):
        assert answer.outcome == Outcome.UNKNOWN
        kept = repr((answer.request, answer.response, vars(provider)))
        credential = sent_json(wire.calls[-1])["SecurityCredential"]
        secrets = (CALLBACK_TOKEN, credential, "fake-initiator-password", PHONE)
        assert [secret for secret in secrets if secret in kept] == []


# Questions


@pytest.mark.parametrize(
    ("question", "original"),
    [(DISBURSEMENT_QUESTION, "PAY123DEF456"), (ABOUT_REVERSAL, REVERSED_HANDLE)],
)
def test_a_question_is_answered_by_callback(
    wire: responses.RequestsMock,
    provider: MpesaDaraja,
    question: TransferQuestion,
    original: str,
) -> None:
    wire.post(STATUS_URL, json=sample("status_taken"))
    answer = provider.query_disbursement(question)
    assert (answer.outcome, answer.provider_reference) == (Outcome.PENDING, "")
    assert sent_to(wire, STATUS_URL) == {
        "Initiator": "konektika-api",
        "SecurityCredential": "fake-initiator-password",
        "CommandID": "TransactionStatusQuery",
        "OriginalConversationID": original,
        "PartyA": "174379",
        "IdentifierType": "4",
        "Remarks": "Status",
        "Occasion": question.reference,
        **RESULT_URLS,
    }


def test_a_reversal_cannot_be_asked_for_without_its_conversation(
    wire: responses.RequestsMock, provider: MpesaDaraja
) -> None:
    answer = provider.query_disbursement(replace(ABOUT_REVERSAL, provider_reference=""))
    assert answer.outcome == Outcome.UNKNOWN
    assert "ConversationID" in answer.message
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"errorCode": "500.003.02", "errorMessage": "System is busy"}, "status": 500},
        {"json": {"errorCode": "500.003.02", "errorMessage": "Spike arrest"}, "status": 429},
        {"json": {"errorCode": "400.002.02", "errorMessage": "Bad Request"}, "status": 400},
        {"json": {"errorCode": "500.001.1001", "errorMessage": "Wrong credentials"}, "status": 500},
        {"json": {"errorCode": "404.001.03", "errorMessage": "Invalid Token"}, "status": 404},
        {"body": requests.exceptions.ConnectTimeout()},
        {"body": requests.exceptions.ReadTimeout()},
        {"body": "<html>", "status": 503},
        {"json": {**sample("status_taken"), "ResponseCode": "1"}},
    ],
)
def test_a_question_that_was_not_taken_tells_nothing_of_the_transfer(
    wire: responses.RequestsMock, provider: MpesaDaraja, answer: dict[str, Any]
) -> None:
    wire.post(STATUS_URL, **answer)
    said = provider.query_disbursement(DISBURSEMENT_QUESTION)
    assert (said.outcome, said.reason) == UNKNOWN


# Results


def test_a_disbursement_that_arrived_has_succeeded() -> None:
    notice = parse(result("result_disbursed"))
    answer = notice.answer
    assert notice.kind == NoticeKind.TRANSFER
    assert (notice.reference, notice.provider_reference) == ("PAY123DEF456", DISBURSED_HANDLE)
    assert (answer.outcome, answer.reason) == (Outcome.SUCCEEDED, None)
    assert (answer.receipt, answer.amount, answer.msisdn) == ("SG632NMUAB", 5000, PHONE)
    assert answer.provider_reference == DISBURSED_HANDLE
    assert answer.response["Result"]["TransactionID"] == "SG632NMUAB"


def test_a_reversal_that_was_made_has_succeeded() -> None:
    notice = parse(result("result_reversed"))
    answer = notice.answer
    assert (notice.kind, notice.provider_reference) == (NoticeKind.TRANSFER, REVERSED_HANDLE)
    assert answer.outcome == Outcome.SUCCEEDED
    assert (answer.receipt, answer.amount, answer.msisdn) == ("SG731ABCDE", 2000, PHONE)


def test_a_success_may_tell_its_receipt_alone() -> None:
    answer = parse(result("result_reversed", ResultParameters=None)).answer
    assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "SG731ABCDE")
    assert (answer.amount, answer.msisdn) == (None, None)


def test_the_receipt_is_what_the_parameters_call_so() -> None:
    parameters = pairs(TransactionAmount=5000, TransactionReceipt="SG632OTHER")
    answer = parse(result("result_disbursed", ResultParameters=parameters)).answer
    assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "SG632OTHER")


@pytest.mark.parametrize("code", [0, "R000001", "R000002"])
def test_a_reversal_is_known_by_its_code_where_no_reference_is_ours(code: object) -> None:
    answer = parse(result("result_reversed", ResultCode=code, ReferenceData=None)).answer
    assert answer.provider_reference == REVERSED_HANDLE


@pytest.mark.parametrize("name", ["result_not_disbursed", "result_not_reversed"])
@pytest.mark.parametrize(("code", "row"), RESULTS.items())
def test_each_result_as_number_and_as_text(name: str, code: object, row: Row) -> None:
    for value in (code, str(code)):
        answer = parse(result(name, ResultCode=value)).answer
        assert (answer.outcome, answer.reason, answer.code) == (*row, str(code))
        assert (answer.receipt, answer.amount, answer.is_unlisted) == ("", None, False)


def test_a_failure_tells_of_no_amount_and_no_receiver() -> None:
    parameters = pairs(TransactionAmount=5000, ReceiverPartyPublicName=f"{PHONE} - ASHA JUMA")
    answer = parse(result("result_not_disbursed", ResultParameters=parameters)).answer
    assert (answer.outcome, answer.amount, answer.msisdn) == (Outcome.FAILED, None, None)
    assert answer.message == sample("result_not_disbursed")["Result"]["ResultDesc"]


@pytest.mark.parametrize("code", [5, "77777", "00", "SFC_IC9999", "R000003"])
def test_an_unlisted_result_is_unknown_and_for_staff(code: object) -> None:
    answer = parse(result("result_not_disbursed", ResultCode=code)).answer
    assert (answer.outcome, answer.code) == (Outcome.UNKNOWN, str(code))
    assert answer.is_unlisted


def test_a_failure_that_tells_when_the_money_arrived_fails_nothing() -> None:
    answer = parse(result("result_reversed", ResultCode=21)).answer
    assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, "")


@pytest.mark.parametrize(
    "name", ["TransactionReceipt", "TransactionCompletedDateTime", "TransCompletedTime"]
)
def test_a_failure_that_tells_of_a_success_fails_nothing(name: str) -> None:
    body = result("result_not_disbursed", ResultParameters=pairs(**{name: "24.11.2026"}))
    assert parse(body).answer.outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(
    "name", ["TransactionStatus", "ReceiptNo", "InitiatedTime", "FinalisedTime"]
)
def test_what_only_a_status_tells_is_no_result_of_the_transfer(name: str) -> None:
    body = result("result_not_disbursed", ResultParameters=pairs(**{name: "24.11.2026"}))
    assert parse(body).answer.outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(("status", "row"), STATUSES.items())
def test_the_status_decides_and_not_that_the_question_worked(status: str, row: Row) -> None:
    notice = parse(result("result_status", ResultParameters=pairs(TransactionStatus=status)))
    answer = notice.answer
    assert (answer.outcome, answer.reason, answer.is_unlisted) == (*row, False)
    assert (notice.kind, answer.receipt) == (NoticeKind.TRANSFER, "")


@pytest.mark.parametrize(("status", "is_unlisted"), [("Paused", True), ("", False), (None, False)])
def test_a_status_without_a_meaning_is_unknown(status: str | None, is_unlisted: bool) -> None:
    answer = parse(
        result("result_status", ResultParameters=pairs(TransactionStatus=status, ReceiptNo="X1"))
    ).answer
    assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, "")
    assert answer.is_unlisted == is_unlisted


def test_a_completed_status_tells_receipt_amount_and_phone() -> None:
    answer = parse(result("result_status")).answer
    assert answer.outcome == Outcome.SUCCEEDED
    assert (answer.receipt, answer.amount, answer.msisdn) == ("SG632NMUAB", 5000, PHONE)


def test_the_conversation_of_a_question_is_not_the_transfers() -> None:
    notice = parse(result("result_status"))
    assert (notice.reference, notice.provider_reference) == ("", "")
    assert notice.answer.provider_reference == ""
    originals = pairs(
        TransactionStatus="Completed",
        OriginatorConversationID="PAY123DEF456",
        ConversationID=DISBURSED_HANDLE,
    )
    notice = parse(result("result_status", ResultParameters=originals))
    assert (notice.reference, notice.provider_reference) == ("PAY123DEF456", DISBURSED_HANDLE)


@pytest.mark.parametrize(
    "references",
    [{"ReferenceItem": {"Key": "Occasion", "Value": "PAY123DEF456"}}, {}, None],
)
@pytest.mark.parametrize("code", [1, 17, 26, 2001, "SFC_IC0003"])
def test_a_question_that_did_not_work_fails_no_transfer(code: object, references: object) -> None:
    body = result("result_status", ResultCode=code, ResultParameters=None, ReferenceData=references)
    notice = parse(body)
    assert (notice.answer.outcome, notice.answer.reason) == UNKNOWN
    assert (notice.reference, notice.provider_reference) == ("", "")


@pytest.mark.parametrize(("code", "is_unlisted"), [(17, False), ("SFC_IC0003", False), (5, True)])
def test_a_status_counts_only_when_the_question_worked(code: object, is_unlisted: bool) -> None:
    answer = parse(result("result_status", ResultCode=code)).answer
    assert (answer.outcome, answer.reason, answer.receipt) == (*UNKNOWN, "")
    assert answer.is_unlisted == is_unlisted


def test_a_question_that_worked_but_tells_nothing_is_no_success() -> None:
    answer = parse(result("result_status", ResultParameters=None)).answer
    assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, "")


def test_a_disbursements_failure_is_known_by_our_reference_alone() -> None:
    body = result("result_not_disbursed", ReferenceData=None)
    answer = parse(body).answer
    assert (answer.outcome, answer.response) == (Outcome.FAILED, json.loads(body))


def test_a_list_of_one_may_have_collapsed() -> None:
    lone = {"ResultParameter": {"Key": "TransactionAmount", "Value": 5000}}
    answer = parse(result("result_disbursed", ResultParameters=lone)).answer
    assert (answer.amount, answer.receipt) == (5000, "SG632NMUAB")
    item = sample("result_disbursed")["Result"]["ReferenceData"]["ReferenceItem"]
    answer = parse(
        result("result_not_reversed", ResultCode=1, ReferenceData={"ReferenceItem": [item]})
    ).answer
    assert answer.outcome == Outcome.FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"ResultCode": None},
        {"ResultCode": False},
        {"ResultCode": ""},
        {"ResultParameters": {"ResultParameter": "x"}},
        {"ResultParameters": {"ResultParameter": [1]}},
        {"ResultParameters": pairs(TransactionAmount="5,000")},
        {"ResultParameters": pairs(TransactionAmount=None)},
        {
            "ResultParameters": {
                "ResultParameter": [
                    {"Key": "TransactionAmount", "Value": 5000},
                    {"Key": "TransactionAmount", "Value": 1},
                ]
            }
        },
    ],
)
def test_a_result_without_its_facts_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedCallback):
        parse(result("result_disbursed", **change))


@pytest.mark.parametrize("name", READ)
def test_what_is_told_twice_must_be_the_same(name: str) -> None:
    same, other = {"Key": name, "Value": "5000"}, {"Key": name, "Value": "1"}
    parse(result("result_disbursed", ResultParameters={"ResultParameter": [same, same]}))
    with pytest.raises(MalformedCallback):
        parse(result("result_disbursed", ResultParameters={"ResultParameter": [same, other]}))


def test_parameters_may_be_an_empty_text() -> None:
    answer = parse(result("result_disbursed", ResultParameters={"ResultParameter": ""})).answer
    assert (answer.outcome, answer.amount) == (Outcome.SUCCEEDED, None)


@pytest.mark.parametrize(
    "body", [b'{"Result": []}', b'{"Result": {}}', b'{"Body": {}, "Result": {}}']
)
def test_what_is_no_result_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        parse(body)


def test_a_request_that_was_given_up_in_the_queue_may_have_been_done() -> None:
    body = {"OriginatorConversationID": "PAY123DEF456", "ConversationID": DISBURSED_HANDLE}
    notice = parse(json.dumps(body).encode())
    assert (notice.answer.outcome, notice.answer.reason, notice.answer.is_unlisted) == (
        *UNKNOWN,
        False,
    )
    assert (notice.kind, notice.reference) == (NoticeKind.TRANSFER, "PAY123DEF456")
    # It may be the conversation of a question about the transfer, and not the transfer's.
    assert (notice.provider_reference, notice.answer.provider_reference) == ("", "")
    assert (notice.answer.response, bool(notice.answer.message)) == (body, True)
    with pytest.raises(MalformedCallback):
        parse(b'{"ConversationID": "AG_1"}')


def test_a_receiver_without_a_number_is_none() -> None:
    for name in ("2557***456 - ASHA JUMA", "ASHA JUMA", "174379 - Konektika", None):
        parameters = pairs(TransactionAmount=5000, ReceiverPartyPublicName=name)
        assert parse(result("result_disbursed", ResultParameters=parameters)).answer.msisdn is None


def test_a_receivers_name_may_have_a_dash() -> None:
    parameters = pairs(ReceiverPartyPublicName=f"{PHONE} - ASHA - JUMA")
    assert parse(result("result_disbursed", ResultParameters=parameters)).answer.msisdn == PHONE


def test_nothing_secret_is_kept_of_a_result() -> None:
    for name in ("result_disbursed", "result_not_reversed", "result_status"):
        kept = repr(parse(result(name)).answer.response)
        assert [secret for secret in (CALLBACK_TOKEN, PHONE) if secret in kept] == []
