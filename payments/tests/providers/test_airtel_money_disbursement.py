"""Airtel Money's disbursement, against the Airtel fact sheet, sections 9, 11 and 12."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import responses

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.base import Answer, Outcome, Provider, Reason, Reversal
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.tests.providers.airtel_application import (
    LARGE_KEY,
    OAEP,
    PIN,
    PKCS1,
    SECRETS,
    SMALL_KEY,
    TOKEN_URL,
    application,
    envelope,
    public_text,
)
from payments.tests.providers.contract import BASE_URL, PHONE, payload, sent_json
from payments.tests.providers.outgoing_contract import (
    DISBURSEMENT,
    DISBURSEMENT_QUESTION,
    OutgoingContract,
)

ENQUIRY_URLS = {
    version: f"{BASE_URL}/standard/v{version}/disbursements/PAY123DEF456" for version in "123"
}
Meaning = tuple[Outcome, Reason | None]
UNKNOWN: Meaning = (Outcome.UNKNOWN, None)

# The last four digits of each DP009 code, with its message and what it means for the money.
CODES: list[tuple[str, str, Meaning]] = [
    ("1000", "Ambiguous", UNKNOWN),
    ("1003", "Daily limit", (Outcome.FAILED, Reason.LIMIT)),
    ("1003", "Exceeded", (Outcome.FAILED, Reason.LIMIT)),
    ("1004", "Amount out of range", (Outcome.FAILED, Reason.LIMIT)),
    ("1005", "Failed", (Outcome.FAILED, Reason.DECLINED)),
    ("1005", "Payee is not registered", (Outcome.FAILED, Reason.NOT_REGISTERED)),
    ("1007", "Insufficient", (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS)),
    ("1009", "Invalid initiatee", (Outcome.FAILED, Reason.DECLINED)),
    ("1010", "Payer not allowed", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1011", "Duplicate external id", UNKNOWN),
    ("1012", "Wrong mobile number", (Outcome.FAILED, Reason.NOT_REGISTERED)),
    ("1013", "Refused", (Outcome.FAILED, Reason.DECLINED)),
    ("1013", "Invalid Msisdn Length", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1013", "Invalid country", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1013", "Invalid currency", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1013", "Missing parameter", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1015", "Not found", UNKNOWN),
    ("1017", "Duplicate id", UNKNOWN),
    ("1018", "Forbidden", (Outcome.FAILED, Reason.CONFIGURATION)),
    ("1019", "Sender barred", (Outcome.FAILED, Reason.CONFIGURATION)),
]
CONFIGURATION = [
    *(f"ROUTER{code}" for code in ("001", "003", "005", "006", "007", "110", "112", "119")),
    *("ROUTER114", "ROUTER115", "ROUTER116"),  # the PIN, or how it was encrypted
    "DP00800001026",  # the signature, by the code of collections
]
INVALID_FIELDS = [f"ESB0000{code}" for code in ("33", "34", "35", "36", "39")]
AMBIGUOUS = [
    *("ESB000001", "ESB000004", "ESB000008", "ESB000041", "ESB0000900", "ROUTER117"),
    *(f"DP0090000{code}" for code in ("1000", "1011", "1015", "1017")),
    "DP00800001000",
]
OPEN = ["ESB000001", "ESB000004", "ESB000008", "ESB000041", "0000900", "ESB000011", "ESB000014"]

# Answers with a status of the transaction: what they mean when they answer the request itself,
# and when they answer an enquiry.
STATUSES: list[tuple[dict[str, Any], Meaning, Meaning]] = [
    (
        envelope("DP00900001001", "ESB000010", "TS", code=200, success=True),
        (Outcome.SUCCEEDED, None),
        (Outcome.SUCCEEDED, None),
    ),
    (
        envelope("DP00900001001", "", "TS", code="200", success=False),
        (Outcome.SUCCEEDED, None),
        (Outcome.SUCCEEDED, None),
    ),
    (
        envelope("DP00900001006", "", "TS", code="200"),
        (Outcome.SUCCEEDED, None),
        (Outcome.SUCCEEDED, None),
    ),
    (envelope("", "", "TS", code="200"), (Outcome.SUCCEEDED, None), (Outcome.SUCCEEDED, None)),
    (envelope("", "", "TS", code=None), (Outcome.SUCCEEDED, None), (Outcome.SUCCEEDED, None)),
    (envelope("DP00900001001", "", "", code="200"), (Outcome.SUCCEEDED, None), UNKNOWN),
    (envelope("DP00900001001", "", "SUCCESS", code="200"), (Outcome.SUCCEEDED, None), UNKNOWN),
    (
        envelope("DP00900001006", "", "TIP", code="200"),
        (Outcome.PENDING, None),
        (Outcome.PENDING, None),
    ),
    (envelope("", "", "TIP", code="200"), (Outcome.PENDING, None), (Outcome.PENDING, None)),
    (envelope("DP00900001006", "", "", code="200"), (Outcome.PENDING, None), UNKNOWN),
    (envelope("", "", "TA", code="200"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001000", "", "TS", code="200"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001011", "", "TF"), UNKNOWN, UNKNOWN),
    (
        envelope("DP00900001005", "", "TF"),
        (Outcome.FAILED, Reason.DECLINED),
        (Outcome.FAILED, Reason.DECLINED),
    ),
    (
        envelope("DP00900001007", "", "TF"),
        (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),
        (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),
    ),
    (
        envelope("", "", "TF", code="200", message="Daily limit"),
        (Outcome.FAILED, Reason.LIMIT),
        (Outcome.FAILED, Reason.LIMIT),
    ),
    (
        envelope("", "", "TE", code="200"),
        (Outcome.FAILED, Reason.NO_ANSWER),
        (Outcome.FAILED, Reason.NO_ANSWER),
    ),
    (envelope("DP00900001005"), (Outcome.FAILED, Reason.DECLINED), UNKNOWN),
    (envelope("DP00900001013", message="Missing"), (Outcome.FAILED, Reason.CONFIGURATION), UNKNOWN),
    (envelope("DP00900001007", "", "TS"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001007", "", "TIP"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001001", "", "TF", code="200"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001006", "", "TF", code="200"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001001", "", "TIP", code="200"), UNKNOWN, UNKNOWN),
    (envelope("DP00900001001", "", "TR", code="200"), UNKNOWN, UNKNOWN),
]
# Answers to the request that contradict themselves, or that could be trouble at Airtel's.
CONTRADICTIONS = [
    envelope("DP00900001001", code="500"),
    envelope("DP00900001001", "", "TS", code="400"),
    envelope("DP00900001007", success=True),
    envelope("DP00900001005", code="500", message="Something Went Wrong"),
    envelope("", "", "TF", code="500"),
    envelope("DP00900001007", "ESB000001"),
    envelope("DP00900001018", "", "TS"),
    envelope(),
    {"status": "TS"},
    {"data": {"transaction": []}, "status": {"code": "200"}},
    {"status_message": "Request timed out", "status_code": "ROUTER117"},
]


class TestAirtelMoneyDisbursement(OutgoingContract):
    dialect = "airtel_money"
    url = f"{BASE_URL}/standard/v2/disbursements/"
    token_url = TOKEN_URL
    dead_token_status = 403
    refusal = (200, Reason.INSUFFICIENT_FUNDS)
    refusal_words = "Not enough funds in the account"
    unlisted = (200, "DP00900001099")
    reversal = Reversal.FULL
    secrets: ClassVar[tuple[str, ...]] = SECRETS

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> AirtelMoney:
        return application(tokens, base_url, **changes)

    def enquire(
        self, wire: responses.RequestsMock, provider: Provider, version: str = "2", **answer: Any
    ) -> Answer:
        wire.add(responses.GET, ENQUIRY_URLS[version], **answer)
        return provider.query_disbursement(DISBURSEMENT_QUESTION)

    # What is sent

    @pytest.mark.parametrize(
        ("version", "path", "payee", "kind"),
        [
            ("1", "/standard/v1/disbursements/", {}, {}),
            ("2", "/standard/v2/disbursements/", {"currency": "TZS"}, {"type": "B2C"}),
            (
                "3",
                "/standard/v3/disbursements",
                {"currency": "TZS", "wallet_type": "NORMAL"},
                {"type": "B2C"},
            ),
        ],
    )
    def test_each_version_has_its_path_and_its_form(
        self,
        wire: responses.RequestsMock,
        version: str,
        path: str,
        payee: dict[str, str],
        kind: dict[str, str],
    ) -> None:
        provider = self.build(MemoryTokenStore(), disbursement_version=version)
        wire.add(responses.POST, f"{BASE_URL}{path}", body=self.body("taken"))
        assert provider.disburse(DISBURSEMENT).outcome == Outcome.SUCCEEDED
        (call,) = self.calls_to(wire, f"{BASE_URL}{path}")
        body = sent_json(call)
        assert body.pop("pin")
        assert body == {
            "payee": {"msisdn": "754123456", **payee},
            "reference": "PAY123DEF456",
            "transaction": {"amount": 5000, "id": "PAY123DEF456", **kind},
        }
        headers = call.request.headers
        assert (headers["X-Country"], headers["X-Currency"]) == ("TZ", "TZS")
        assert headers["Content-Type"] == "application/json"
        assert "x-signature" not in headers

    @pytest.mark.parametrize("key", [SMALL_KEY, LARGE_KEY])
    @pytest.mark.parametrize("name", ["", "pkcs1", "oaep-sha1", "oaep-sha256"])
    def test_the_pin_is_encrypted_as_the_setting_says(
        self, wire: responses.RequestsMock, key: Any, name: str
    ) -> None:
        provider = self.build(MemoryTokenStore(), public_key=public_text(key), pin_padding=name)
        answer = self.send_with(wire, provider, body=self.body("taken"))
        (call,) = self.calls_to(wire, self.url)
        pin = sent_json(call)["pin"]
        assert key.decrypt(b64decode(pin), OAEP.get(name, PKCS1)) == PIN.encode()
        assert answer.request["body"]["pin"] == "[redacted]"

    def test_the_encrypted_pin_is_not_kept_when_it_comes_back(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        sent: list[str] = []

        def mirror(request: Any) -> tuple[int, dict[str, str], str]:
            sent.append(sent_json(responses.Call(request, responses.Response("GET", "x")))["pin"])
            return 200, {}, f"We received {sent[-1]}"

        wire.add_callback(responses.POST, self.url, callback=mirror)
        answer = provider.disburse(DISBURSEMENT)
        assert answer.response["body"] == "We received [redacted]"
        assert sent[0] not in repr(answer)

    def test_the_key_may_have_pem_lines(self, wire: responses.RequestsMock) -> None:
        text = public_text(SMALL_KEY)
        lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
        pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
        provider = self.build(MemoryTokenStore(), public_key=pem)
        answer = self.send_with(wire, provider, body=self.body("taken"))
        assert answer.outcome == Outcome.SUCCEEDED

    # What comes back

    def test_the_receipt_is_the_reference_that_the_customer_sees(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.send_with(wire, provider, body=self.body("taken"))
        assert (answer.receipt, answer.code) == ("CI250506.1824.H00006", "DP00900001001")
        assert answer.message == "You have sent TZS 5,000 to ASHA JUMA"

    @pytest.mark.parametrize(("code", "words", "meaning"), CODES)
    @pytest.mark.parametrize("status", [200, 400])
    def test_each_code_of_a_disbursement(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: str,
        words: str,
        meaning: Meaning,
        status: int,
    ) -> None:
        body = envelope(f"DP0090000{code}", "ESB000010", message=words)
        answer = self.send_with(wire, provider, json=body, status=status)
        assert (answer.outcome, answer.reason) == meaning
        assert (answer.code, answer.is_unlisted) == (f"DP0090000{code}", False)
        assert answer.message == words
        assert len(self.calls_to(wire, self.url)) == 1

    @pytest.mark.parametrize("code", CONFIGURATION)
    def test_each_refusal_of_the_router_is_a_matter_of_configuration(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        body = {"status_message": "words", "status_code": code}
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)
        assert (answer.code, answer.is_unlisted) == (code, False)

    @pytest.mark.parametrize("code", INVALID_FIELDS)
    def test_each_invalid_field_has_failed(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.send_with(wire, provider, json=envelope(result_code=code))
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.CONFIGURATION)

    @pytest.mark.parametrize("code", OPEN)
    def test_a_code_that_leaves_it_open_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.send_with(wire, provider, json=envelope(result_code=code))
        assert (answer.outcome, answer.is_unlisted) == (Outcome.UNKNOWN, False)

    def test_only_a_success_has_a_receipt(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = json.loads(self.body("taken"))
        body["data"]["transaction"].update(status="TF", message="words")
        body["status"].update(response_code="DP00900001005", code="400", success=False)
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.receipt, answer.message) == (Outcome.FAILED, "", "words")

    @pytest.mark.parametrize("code", AMBIGUOUS)
    def test_a_refusal_beside_a_code_that_leaves_it_open_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        body = {**envelope("DP00900001005", "", "TF"), "status_code": code}
        assert self.send_with(wire, provider, json=body).outcome == Outcome.UNKNOWN
        assert self.enquire(wire, provider, json=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize(("body", "meaning"), [(row[0], row[1]) for row in STATUSES])
    def test_status_and_code_have_to_agree(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        body: dict[str, Any],
        meaning: Meaning,
    ) -> None:
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.reason) == meaning

    @pytest.mark.parametrize("body", CONTRADICTIONS)
    def test_an_answer_that_contradicts_itself_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, body: dict[str, Any]
    ) -> None:
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, "")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (envelope("DP00900001001", "", "TX", code="200"), "TX"),
            (envelope("DP00900001007", "ESB000099", "TF"), "ESB000099"),
            ({"status_message": "Something new", "status_code": "ROUTER999"}, "ROUTER999"),
        ],
    )
    def test_whatever_is_unlisted_is_unknown_and_kept(
        self, wire: responses.RequestsMock, provider: Provider, body: dict[str, Any], code: str
    ) -> None:
        answer = self.send_with(wire, provider, json=body)
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, code, True)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429])
    def test_what_http_refuses_without_a_code_was_not_processed(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.send_with(wire, provider, body="<html>", status=status)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.UNAVAILABLE)

    def test_a_duplicate_of_what_was_sent_before_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        wire.add(responses.POST, self.url, json=envelope("DP00900001011"))
        again = provider.disburse(replace(DISBURSEMENT, sent_before=True))
        assert again.outcome == Outcome.UNKNOWN

    # Asking what became of it

    @pytest.mark.parametrize("version", ["1", "2", "3"])
    def test_an_enquiry_asks_by_our_reference(
        self, wire: responses.RequestsMock, version: str
    ) -> None:
        provider = self.build(MemoryTokenStore(), disbursement_version=version)
        answer = self.enquire(wire, provider, version, body=self.body("taken"))
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "CI250506.1824.H00006")
        (call,) = self.calls_to(wire, ENQUIRY_URLS[version])
        query = str(call.request.url).partition("?")[2]
        assert query == ("" if version == "1" else "transactionType=B2C")
        assert call.request.body is None

    @pytest.mark.parametrize(("body", "meaning"), [(row[0], row[2]) for row in STATUSES])
    def test_an_enquiry_goes_by_the_transactions_status(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        body: dict[str, Any],
        meaning: Meaning,
    ) -> None:
        answer = self.enquire(wire, provider, json=body)
        assert (answer.outcome, answer.reason, answer.not_found) == (*meaning, False)

    @pytest.mark.parametrize("code", [*CONFIGURATION, *INVALID_FIELDS])
    def test_an_enquiry_that_is_refused_says_nothing_of_the_disbursement(
        self, wire: responses.RequestsMock, provider: Provider, code: str
    ) -> None:
        answer = self.enquire(wire, provider, json=envelope(result_code=code))
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)

    def test_what_has_a_final_status_was_found(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        body = envelope("", "ESB000045", "TS", code="200")
        answer = self.enquire(wire, provider, json=body)
        assert (answer.outcome, answer.not_found) == (Outcome.SUCCEEDED, False)

    @pytest.mark.parametrize("body", [envelope("DP00900001015"), envelope(result_code="ESB000045")])
    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_a_disbursement_that_is_not_found_is_unknown_and_marked(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        body: dict[str, Any],
        status: int,
    ) -> None:
        answer = self.enquire(wire, provider, json=body, status=status)
        assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, True)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (envelope("DP00900001099", "", "TF"), "DP00900001099"),
            (envelope("DP00900001001", "ESB000099", "TS", code="200"), "ESB000099"),
            (envelope("DP00900001001", "", "TX", code="200"), "TX"),
        ],
    )
    def test_an_enquiry_with_something_unlisted_is_unknown_and_kept(
        self, wire: responses.RequestsMock, provider: Provider, body: dict[str, Any], code: str
    ) -> None:
        answer = self.enquire(wire, provider, json=body)
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, code, True)

    @pytest.mark.parametrize("status", [400, 403, 404, 408, 429, 500, 502, 503])
    def test_an_enquiry_that_did_not_work_says_nothing(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        for name in ("taken", "refused"):
            answer = self.enquire(wire, provider, body=self.body(name), status=status)
            assert (answer.outcome, answer.not_found) == (Outcome.UNKNOWN, False)

    # What the settings make of it

    @pytest.mark.parametrize("missing", ["disbursement_pin", "public_key"])
    def test_without_its_settings_nothing_is_sent(
        self, wire: responses.RequestsMock, missing: str
    ) -> None:
        provider = self.build(MemoryTokenStore(), **{missing: ""})
        assert not provider.description.disburses
        answer = provider.disburse(DISBURSEMENT)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.CONFIGURATION)
        assert len(wire.calls) == 0

    @pytest.mark.parametrize("text", ["no key", "bm8ga2V5", "QUJD", public_text(SMALL_KEY)[:-9]])
    def test_a_key_that_cannot_be_read_sends_nothing(
        self, wire: responses.RequestsMock, text: str
    ) -> None:
        answer = self.build(MemoryTokenStore(), public_key=text).disburse(DISBURSEMENT)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.CONFIGURATION)
        assert len(wire.calls) == 0

    # Looking up

    @pytest.mark.parametrize(
        ("data", "balance"),
        [
            ({"balance": "1250000.75"}, 1_250_000),
            ({"balance": 1250000}, 1_250_000),
            ({"balance": "1,250,000.00"}, 1_250_000),
            ({"balance": 0}, 0),
            ({"account": {"balance": 12.5}}, 12),
            ([{"status": "ok"}, {"balance": "7"}], 7),
            ({"balance": {"balance": "9"}}, 9),
            ({"balance": None}, None),
            ({"balance": ""}, None),
            ({"balance": "-5"}, None),
            ({"balance": "n/a"}, None),
            ({"balance": True}, None),
            ({"balance": 1e30}, None),
            ({}, None),
            (None, None),
        ],
    )
    def test_the_float_is_read_wherever_it_stands(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        data: Any,
        balance: int | None,
    ) -> None:
        url = f"{BASE_URL}/standard/v1/users/balance"
        body = {**payload("airtel_money", "balance"), "data": data, "beside": {"balance": "5"}}
        wire.add(responses.GET, url, json=body)
        assert provider.balance().balance == balance
        wire.replace(responses.GET, url, json=body, status=500)
        assert provider.balance().balance is None

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            ({"first_name": "ASHA", "last_name": "JUMA"}, "ASHA JUMA"),
            ({"first_name": " ASHA ", "last_name": None}, "ASHA"),
            ({"first_name": "", "last_name": ""}, None),
            ({"first_name": ["ASHA"]}, None),
            (None, None),
        ],
    )
    def test_a_holder_is_named_by_nine_digits(
        self, wire: responses.RequestsMock, provider: Provider, data: Any, name: str | None
    ) -> None:
        url = f"{BASE_URL}/standard/v1/users/754123456"
        body = {**payload("airtel_money", "holder"), "data": data}
        wire.add(responses.GET, url, json=body)
        assert provider.holder(PHONE).name == name
        wire.replace(responses.GET, url, json=body, status=404)
        assert provider.holder(PHONE).name is None
