"""Airtel Money's collection, against the Airtel fact sheet, sections 2 to 7, 11 and 12."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import responses

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.base import (
    Answer,
    MalformedCallback,
    Outcome,
    Provider,
    Reason,
    Signature,
    StatusQuestion,
)
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.tests.providers.contract import BASE_URL, COLLECTION, ProviderContract, sent_json

QUESTION = StatusQuestion(reference=COLLECTION.reference, provider_reference="")
ENQUIRY_URL = f"{BASE_URL}/standard/v1/payments/ABC123DEF456"
KEY = "test-callback-key"

# The fact sheet's own vector (7), with its key.
VECTOR = (
    '{"id":"BBZMiscxy","message":"Paid TZS 5,000 to TECHNOLOGIES LIMITED Charge TZS 140, '
    'Trans ID MP210603.1234.L06941.","status_code":"TS","airtel_money_id":"MP210603.1234.L06941"}'
)
VECTOR_TRANSACTION = "4mfkB7GycT3HWTPHufyLLQdduzPQ8rcrpyz6sQfMfv8="
VECTOR_WRAPPED = "K96SKCoTG2nyaB1uNutDKzb6xNn6tIHgm0ddHujCj/M="

STATUSES: dict[object, tuple[Outcome, Reason | None]] = {
    "TS": (Outcome.SUCCEEDED, None),
    "TF": (Outcome.FAILED, Reason.DECLINED),
    "TE": (Outcome.FAILED, Reason.NO_ANSWER),
    "TIP": (Outcome.PENDING, None),
    "TA": (Outcome.UNKNOWN, None),
    "TR": (Outcome.REVERSED, None),
    "TX": (Outcome.UNKNOWN, None),
    "SUCCESS": (Outcome.UNKNOWN, None),
    "ts": (Outcome.UNKNOWN, None),
}

UNLISTED_STATUSES = ("TX", "SUCCESS", "ts")

INVALID = ["ESB000033", "ESB000034", "ESB000035", "ESB000036", "ESB000039"]
ROUTER_REFUSALS = [
    f"ROUTER{code}" for code in ("001", "003", "005", "006", "007", "110", "112", "119")
]
DP_REFUSALS: list[tuple[str, str, Reason]] = [
    ("DP00800001002", "Incorrect PIN", Reason.WRONG_PIN),
    ("DP00800001002", "Unable to perform", Reason.DECLINED),
    ("DP00800001004", "Amount below minimum", Reason.LIMIT),
    ("DP00800001005", "Msisdn Not Found", Reason.NOT_REGISTERED),
    ("DP00800001005", "Not enough balance", Reason.INSUFFICIENT_FUNDS),
    ("DP00800001005", "Unable to perform", Reason.DECLINED),
    ("DP00800001007", "Not enough balance", Reason.INSUFFICIENT_FUNDS),
    ("DP00800001007", "Declined by user", Reason.CANCELLED),
    ("DP00800001007", "Unable to perform", Reason.DECLINED),
    ("DP00800001008", "Refused", Reason.DECLINED),
    ("DP00800001026", "Forbidden", Reason.CONFIGURATION),
    ("DP00800001029", "Transaction gone", Reason.NO_ANSWER),
]
AMBIGUOUS = [
    *("ESB000001", "ESB000004", "ESB000008", "ESB000041", "ESB0000900"),
    *("ROUTER117", "DP00800001000"),
]
DP_OPEN = ["1000", "1003", "1006", "1009", "1010", "1024", "1025", "1001", "9999"]


def envelope(response_code: str = "", result_code: str = "", **changes: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"code": "400", "message": "words", "success": False}
    if response_code:
        status["response_code"] = response_code
    if result_code:
        status["result_code"] = result_code
    return {"status": {**status, **changes}}


def signed(text: str) -> str:
    return b64encode(hmac.digest(KEY.encode(), text.encode(), "sha256")).decode()


class TestAirtelMoney(ProviderContract):
    dialect = "airtel_money"
    token_url = f"{BASE_URL}/auth/oauth2/token"
    collect_url = f"{BASE_URL}/merchant/v1/payments/"
    dead_token_status = 403
    refusal = (200, Reason.NOT_REGISTERED)
    secrets: ClassVar[tuple[str, ...]] = ("fake-client-id", "fake-client-secret", KEY)

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> AirtelMoney:
        settings: dict[str, Any] = {
            "client_id": "fake-client-id",
            "client_secret": "fake-client-secret",
            "base_url": base_url,
            "amount_min": 1,
            "amount_max": 3_000_000,
            "callback_key": KEY,
        }
        return AirtelMoney(AirtelMoneyConfig(**{**settings, **changes}), tokens)

    def signature(self, body: str, **changes: Any) -> Signature:
        provider = self.build(MemoryTokenStore(), **changes)
        return provider.parse_callback(body.encode(), {}).signature

    # Asking for money

    def test_a_payment_names_nine_digits_and_our_reference(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.collect_with(wire, provider, json=self.sample("push_accepted"))
        (call,) = self.calls_to(wire, self.collect_url)
        assert sent_json(call) == {
            "reference": "ABC123DEF456",
            "subscriber": {"country": "TZ", "currency": "TZS", "msisdn": "754123456"},
            "transaction": {
                "amount": 5000,
                "country": "TZ",
                "currency": "TZS",
                "id": "ABC123DEF456",
            },
        }
        headers = call.request.headers
        assert headers["Authorization"] == "Bearer fake-airtel-token-0000000001"
        assert (headers["X-Country"], headers["X-Currency"]) == ("TZ", "TZS")
        assert (headers["Content-Type"], headers["Accept"]) == ("application/json", "*/*")

    def test_the_token_is_asked_for_by_json(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        provider.health()
        (call,) = self.calls_to(wire, self.token_url)
        assert sent_json(call) == {
            "client_id": "fake-client-id",
            "client_secret": "fake-client-secret",
            "grant_type": "client_credentials",
        }

    def test_the_version_of_the_collection_is_a_setting(self, wire: responses.RequestsMock) -> None:
        wire.add(
            responses.POST,
            f"{BASE_URL}/merchant/v2/payments/",
            json=self.sample("push_accepted"),
        )
        provider = self.build(MemoryTokenStore(), collection_version="2")
        assert provider.collect(COLLECTION).outcome == Outcome.PENDING

    @pytest.mark.parametrize(
        "change",
        [
            {"code": 200},
            {"code": None},
            {"success": "true"},
            {"response_code": None},
            {"result_code": None},
            {"result_code": "000010"},
            {"response_code": "DP00800001001"},
        ],
    )
    def test_an_accepted_payment_varies_in_shape(
        self, wire: responses.RequestsMock, provider: Provider, change: dict[str, Any]
    ) -> None:
        body = self.sample("push_accepted")
        body["status"].update(change)
        assert self.collect_with(wire, provider, json=body).outcome == Outcome.PENDING

    @pytest.mark.parametrize("code", [*INVALID, *(code.removeprefix("ESB") for code in INVALID)])
    def test_each_invalid_field_has_failed(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.collect_with(wire, provider, json=envelope(result_code=code))
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)

    @pytest.mark.parametrize("code", ROUTER_REFUSALS)
    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_each_refusal_of_the_router_has_failed(
        self, wire: responses.RequestsMock, provider: Provider, code: str, status: int
    ) -> None:
        body = {"status_message": "words", "status_code": code}
        answer = self.collect_with(wire, provider, json=body, status=status)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)
        assert (answer.code, answer.message) == (code, "words")

    @pytest.mark.parametrize(("code", "words", "reason"), DP_REFUSALS)
    def test_each_code_that_both_tables_call_unpaid_has_failed(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: str,
        words: str,
        reason: Reason,
    ) -> None:
        answer = self.collect_with(wire, provider, json=envelope(code, message=words))
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, reason)

    @pytest.mark.parametrize("code", DP_OPEN)
    def test_a_code_that_the_tables_contest_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.collect_with(wire, provider, json=envelope(f"DP0080000{code}"))
        assert answer.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        "body",
        [
            envelope("DP00800001005", code="500", message="Something Went Wrong"),
            envelope("DP00800001005", code=500, message="Something Went Wrong"),
            envelope("DP00800001005", code="200"),
            envelope("DP00800001007", code="500"),
            envelope("DP00800001007", success=True),
            envelope("DP00800001007", "ESB000001"),
            envelope(result_code="ESB000001"),
            envelope(result_code="ESB000004"),
            envelope(result_code="ESB000008"),
            envelope(result_code="ESB000011"),
            envelope(result_code="ESB000041"),
            envelope(result_code="0000900"),
            envelope(result_code="521002"),
            envelope(),
            {"status_message": "Request timed out", "status_code": "ROUTER117"},
            {"status_message": "Something new", "status_code": "ROUTER999"},
            {"status": "SUCCESS"},
        ],
    )
    def test_an_answer_that_leaves_it_open_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, body: dict[str, Any]
    ) -> None:
        assert self.collect_with(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (envelope("DP00800009999"), "DP00800009999"),
            (envelope("DP00800001007", "ESB000099"), "ESB000099"),
            (envelope(result_code="521099"), "521099"),
            ({"status_message": "Something new", "status_code": "ROUTER999"}, "ROUTER999"),
        ],
    )
    def test_a_code_that_the_sheet_does_not_list_is_marked_for_staff(
        self, wire: responses.RequestsMock, provider: Provider, body: dict[str, Any], code: str
    ) -> None:
        answer = self.collect_with(wire, provider, json=body)
        assert (answer.code, answer.is_unlisted) == (code, True)
        asked = self.ask(wire, provider, json=body)
        assert (asked.outcome, asked.code, asked.is_unlisted) == (Outcome.UNKNOWN, code, True)

    @pytest.mark.parametrize(
        "code",
        [
            *(f"DP0080000{code}" for code in ("1000", "1003", "1006", "1009", "1010", "1024")),
            *(code for code, _, _ in DP_REFUSALS),
            *INVALID,
            *ROUTER_REFUSALS,
            *("ESB000001", "ESB000008", "ESB000011", "ESB000041", "ESB0000900", "521002", "521050"),
            *("DP00800001001", "ROUTER117"),
        ],
    )
    def test_a_code_of_the_sheet_is_not_marked(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        for body in (envelope("DP00800001000", code), {"status_code": code}):
            assert not self.collect_with(wire, provider, json=body).is_unlisted

    @pytest.mark.parametrize("status", [408, 500])
    def test_an_unpaid_code_within_a_server_error_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.collect_with(wire, provider, json=envelope("DP00800001007"), status=status)
        assert answer.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize("code", AMBIGUOUS)
    def test_a_refusal_beside_a_code_that_leaves_it_open_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        for refusal in (envelope("DP00800001007"), envelope(result_code="ESB000033")):
            answer = self.collect_with(wire, provider, json={**refusal, "status_code": code})
            assert answer.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 429])
    def test_what_http_refuses_without_a_code_was_not_processed(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.collect_with(wire, provider, body="<html>", status=status)
        assert (answer.outcome, answer.code) == (Outcome.NOT_SENT, "")
        assert len(self.calls_to(wire, self.collect_url)) == 1
        denied = {"error": "access_denied", "error_description": "words"}
        answer = self.collect_with(wire, provider, json=denied, status=status)
        assert (answer.code, answer.message) == ("access_denied", "words")

    @pytest.mark.parametrize(
        ("status", "body"),
        [(401, '{"error":"invalid_token"}'), (200, '{"error":"invalid_token"}'), (401, "")],
    )
    def test_each_shape_of_a_dead_token(
        self, wire: responses.RequestsMock, provider: Provider, status: int, body: str
    ) -> None:
        answer = self.collect_with(wire, provider, body=body, status=status)
        assert answer.outcome == Outcome.NOT_SENT
        assert len(self.calls_to(wire, self.collect_url)) == 2

    def test_a_dead_token_within_a_server_error_proves_nothing(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.collect_with(wire, provider, json={"error": "invalid_token"}, status=500)
        assert answer.outcome == Outcome.UNKNOWN
        assert len(self.calls_to(wire, self.collect_url)) == 1

    # Asking what became of it

    def ask(self, wire: responses.RequestsMock, provider: Provider, **answer: Any) -> Answer:
        wire.add(responses.GET, ENQUIRY_URL, **answer)
        return provider.query(QUESTION)

    def test_an_enquiry_of_a_paid_payment_gives_the_receipt(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.ask(wire, provider, json=self.sample("enquiry_paid"))
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "MP210603.1234.L06941")
        assert answer.code == "TS"
        (call,) = self.calls_to(wire, ENQUIRY_URL)
        assert (call.request.headers["X-Country"], call.request.body) == ("TZ", None)

    @pytest.mark.parametrize(("status", "meaning"), STATUSES.items())
    @pytest.mark.parametrize("success", [True, False])
    def test_an_enquiry_goes_by_the_transactions_status_alone(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        status: str,
        meaning: tuple[Outcome, Reason | None],
        success: bool,
    ) -> None:
        body = self.sample("enquiry_paid")
        body["data"]["transaction"].update(status=status, id=False, message="words")
        body["status"].update(success=success, response_code="DP00800001005")
        answer = self.ask(wire, provider, json=body)
        assert (answer.outcome, answer.reason, answer.not_found) == (*meaning, False)
        assert bool(answer.receipt) == (status == "TS")
        assert answer.is_unlisted == (status in UNLISTED_STATUSES)

    @pytest.mark.parametrize("status", [200, 400, 404])
    @pytest.mark.parametrize(
        "body",
        [envelope("DP00800001025"), envelope(result_code="ESB000045"), envelope("", "000045")],
    )
    def test_an_unknown_payment_is_unknown_and_marked_not_found(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        status: int,
        body: dict[str, Any],
    ) -> None:
        answer = self.ask(wire, provider, json=body, status=status)
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, True)
        assert not answer.is_unlisted

    @pytest.mark.parametrize(
        ("status", "name"),
        [(500, "enquiry_paid"), (503, "enquiry_paid"), (429, "enquiry_paid"), (403, "dead_token")],
    )
    def test_an_enquiry_that_did_not_work_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, status: int, name: str
    ) -> None:
        answer = self.ask(wire, provider, json=self.sample(name), status=status)
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)

    @pytest.mark.parametrize("status", [429, 500, 502])
    def test_not_found_within_an_error_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.ask(wire, provider, json=envelope("DP00800001025"), status=status)
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)

    def test_an_error_fetching_the_status_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.ask(wire, provider, json=envelope(result_code="ESB000014"))
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)

    # Callbacks

    @pytest.mark.parametrize(("status", "meaning"), STATUSES.items())
    def test_each_status_of_a_callback(
        self, provider: Provider, status: str, meaning: tuple[Outcome, Reason | None]
    ) -> None:
        body = self.sample("callback_success")
        body["transaction"].update(status_code=status, message="words")
        notice = provider.parse_callback(json.dumps(body).encode(), {})
        assert (notice.answer.outcome, notice.answer.reason) == meaning
        assert (notice.reference, notice.answer.code) == ("ABC123DEF456", status)
        assert notice.answer.is_unlisted == (status in UNLISTED_STATUSES)
        assert notice.answer.amount is None
        assert bool(notice.answer.receipt) == (status == "TS")

    @pytest.mark.parametrize(
        "change",
        [
            {"id": None},
            {"id": False},
            {"id": ""},
            {"id": []},
            {"id": "A" * 101},
            {"status_code": None},
            {"status_code": True},
            {"status_code": ""},
        ],
    )
    def test_a_callback_without_its_facts_is_malformed(
        self, provider: Provider, change: dict[str, Any]
    ) -> None:
        body = self.sample("callback_success")
        body["transaction"].update(change)
        with pytest.raises(MalformedCallback):
            provider.parse_callback(json.dumps(body).encode(), {})

    @pytest.mark.parametrize("transaction", [None, [], "TS", 1])
    def test_a_callback_without_a_transaction_is_malformed(
        self, provider: Provider, transaction: object
    ) -> None:
        body = json.dumps({"transaction": transaction, "hash": "x"}).encode()
        with pytest.raises(MalformedCallback):
            provider.parse_callback(body, {})

    @pytest.mark.parametrize(
        ("hashed", "forms"),
        [
            (VECTOR_TRANSACTION, {"auto", "transaction", "raw"}),
            (VECTOR_WRAPPED, {"auto", "wrapped"}),
        ],
    )
    def test_the_sheets_own_hashes_are_valid_in_their_forms(
        self, hashed: str, forms: set[str]
    ) -> None:
        body = f'{{"transaction":{VECTOR},"hash":"{hashed}"}}'
        for form in ("auto", "transaction", "wrapped", "raw"):
            expected = Signature.VALID if form in forms else Signature.WRONG
            assert self.signature(body, hash_form=form) == expected

    @pytest.mark.parametrize(
        "frame",
        [
            '{{"transaction":{0},"hash":"{1}"}}',
            '{{"hash":"{1}","transaction":{0}}}',
            ' {{ "hash" : "{1}" ,\n "x" : [ {{"transaction":1}} , "}}" ] , "transaction" :\t{0} }} ',
        ],
    )
    @pytest.mark.parametrize(
        "transaction",
        [
            VECTOR,
            '{ "id" : "A1B2C3" , "status_code":"TS", "message":"a \\"quoted\\" }{ \\/ \\u00e9" }',
            '{"status_code":"TF",\n\t"message":"Malipo — yamekwama","id":"A1B2C3"}',
        ],
    )
    def test_the_raw_form_hashes_the_very_bytes_wherever_they_stand(
        self, frame: str, transaction: str
    ) -> None:
        body = frame.format(transaction, signed(transaction))
        assert self.signature(body, hash_form="raw") == Signature.VALID
        assert self.signature(body) == Signature.VALID
        assert self.signature(body.replace("TS", "TF").replace('"TF"', '"TE"')) == Signature.WRONG

    @pytest.mark.parametrize(
        ("form", "hashed"),
        [
            ("transaction", lambda compact: compact),
            ("wrapped", lambda compact: f'{{"transaction":{compact}}}'),
        ],
    )
    def test_the_compact_forms_hash_what_was_sent_with_spaces(
        self, form: str, hashed: Callable[[str], str]
    ) -> None:
        compact = '{"status_code":"TS","message":"Malipo — tayari","id":"A1B2C3"}'
        spaced = compact.replace(",", " , ").replace(":", " : ")
        body = f'{{"transaction": {spaced}, "hash": "{signed(hashed(compact))}"}}'
        assert self.signature(body, hash_form=form) == Signature.VALID
        assert self.signature(body) == Signature.VALID
        assert self.signature(body, hash_form="raw") == Signature.WRONG

    @pytest.mark.parametrize(
        "given", ['""', '"x"', '"\u2603"', "0", "false", "[]", "{}", f'"{signed("x")}"']
    )
    def test_a_hash_that_does_not_fit_is_wrong(self, given: str) -> None:
        assert self.signature(f'{{"transaction":{VECTOR},"hash":{given}}}') == Signature.WRONG

    def test_a_hash_that_is_missing_or_cannot_be_checked_is_absent(self) -> None:
        assert self.signature(f'{{"transaction":{VECTOR}}}') == Signature.ABSENT
        assert self.signature(f'{{"transaction":{VECTOR},"hash":null}}') == Signature.ABSENT
        body = f'{{"transaction":{VECTOR},"hash":"{VECTOR_TRANSACTION}"}}'
        assert self.signature(body, callback_key="") == Signature.ABSENT

    def test_callbacks_are_signed_only_where_a_key_is_configured(self) -> None:
        assert self.build(MemoryTokenStore()).description.signs_callbacks
        unsigned = self.build(MemoryTokenStore(), callback_key="")
        assert not unsigned.description.signs_callbacks
