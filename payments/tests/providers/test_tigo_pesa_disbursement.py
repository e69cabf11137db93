"""Tigo Pesa's A2W disbursement, against the Tigo fact sheet, product B and its outcome table."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import responses
from defusedxml.ElementTree import fromstring

from payments.providers.base import Answer, Outcome, Provider, Reason, Reversal
from payments.providers.http import MemoryTokenStore, TokenStore
from payments.providers.tigo_pesa.client import TigoPesa
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.tests.providers.contract import BASE_URL, PHONE
from payments.tests.providers.outgoing_contract import DISBURSEMENT, OutgoingContract

PIN = "73-91"  # with a character that stands in no address or key by chance
CODES: dict[str, tuple[Outcome, Reason | None]] = {
    "200": (Outcome.SUCCEEDED, None),
    "00200": (Outcome.SUCCEEDED, None),
    "0": (Outcome.SUCCEEDED, None),
    "000": (Outcome.SUCCEEDED, None),
    "00026": (Outcome.FAILED, Reason.CONFIGURATION),
    "26": (Outcome.FAILED, Reason.CONFIGURATION),
    "00031": (Outcome.FAILED, Reason.LIMIT),
    "00042": (Outcome.FAILED, Reason.LIMIT),
    "317": (Outcome.FAILED, Reason.DECLINED),
    "00317": (Outcome.FAILED, Reason.DECLINED),
    "410": (Outcome.FAILED, Reason.LIMIT),
    "00410": (Outcome.FAILED, Reason.LIMIT),
    "2117": (Outcome.FAILED, Reason.CONFIGURATION),
    "02117": (Outcome.FAILED, Reason.CONFIGURATION),
    "60014": (Outcome.FAILED, Reason.LIMIT),
    "60017": (Outcome.FAILED, Reason.LIMIT),
    "60018": (Outcome.FAILED, Reason.LIMIT),
    "60019": (Outcome.FAILED, Reason.INSUFFICIENT_FUNDS),
    "60021": (Outcome.FAILED, Reason.LIMIT),
    "60024": (Outcome.FAILED, Reason.LIMIT),
    "60028": (Outcome.FAILED, Reason.LIMIT),
    "60030": (Outcome.FAILED, Reason.LIMIT),
    "60074": (Outcome.FAILED, Reason.NOT_REGISTERED),
    "100": (Outcome.UNKNOWN, None),
    "00100": (Outcome.UNKNOWN, None),
}
UNLISTED = ["60099", "2000", "20", "-200", "X200", "200.0", "SUCCESS", "\u0662\u0660\u0660"]

LAUGHS = (
    '<!DOCTYPE COMMAND [<!ENTITY a "200">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcde", "bcdef", strict=True))
    + "]>"
)
TAKEN = (
    "<COMMAND><TYPE>RESMFICI</TYPE><REFERENCEID>PAY123DEF456</REFERENCEID><TXNID>42326232</TXNID>"
    "<TXNSTATUS>{status}</TXNSTATUS><MESSAGE>Success</MESSAGE>{more}</COMMAND>"
)
WHOLE = TAKEN.format(status="200", more="")
NOT_TO_BE_TRUSTED = {
    "a document type": "<!DOCTYPE COMMAND>" + WHOLE,
    "an entity": '<!DOCTYPE C [<!ENTITY a "200">]>' + TAKEN.format(status="&a;", more=""),
    "a file": '<!DOCTYPE C [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    + TAKEN.format(status="200", more="<X>&a;</X>"),
    "a billion laughs": LAUGHS + TAKEN.format(status="&f;", more=""),
    "an entity of nobody": TAKEN.format(status="&two;00", more=""),
    "the same tag twice": TAKEN.format(status="60019", more="<TXNSTATUS>200</TXNSTATUS>"),
    "a tag in a tag": TAKEN.format(status="200<B>60019</B>", more=""),
    "another name space": WHOLE.replace("<COMMAND>", '<COMMAND xmlns="urn:x">'),
    "another root": WHOLE.replace("COMMAND", "RESPONSE"),
    "a stray end": WHOLE + "</xml>",
    "a soap envelope": f"<Envelope><Body>{WHOLE}</Body></Envelope>",
    "a control character": TAKEN.format(status="200", more="<X>\x00</X>"),
}


class TestTigoPesaDisbursement(OutgoingContract):
    dialect = "tigo_pesa"
    url = f"{BASE_URL}/a2w"
    suffix = "xml"
    refusal = (200, Reason.INSUFFICIENT_FUNDS)
    refusal_words = "Balance would fall under the minimum"
    unlisted = (200, "70099")
    reversal = Reversal.NONE
    secrets: ClassVar[tuple[str, ...]] = ("fake-username", "fake-password", PIN)
    secrets_on_the_wire = (PIN,)

    def build(self, tokens: TokenStore, base_url: str = BASE_URL, **changes: Any) -> TigoPesa:
        settings: dict[str, Any] = {
            "api_key": "fake-username",
            "secret": "fake-password",
            "biller_msisdn": "255710000000",
            "biller_code": "KNK",
            "base_url": f"{base_url}/tigo",
            "amount_min": 1,
            "amount_max": 3_000_000,
            "disburse_url": f"{base_url}/a2w",
            "disburse_msisdn": "255710000001",
            "disburse_pin": PIN,
        }
        return TigoPesa(TigoPesaConfig(**{**settings, **changes}), tokens)

    def answered(self, wire: responses.RequestsMock, provider: Provider, **changes: str) -> Answer:
        """The answer to the sample of a success with other texts under some tags."""
        document = self.body("taken").decode()
        for tag, value in changes.items():
            document = re.sub(f"<{tag}>.*</{tag}>", f"<{tag}>{value}</{tag}>", document)
        return self.send_with(wire, provider, body=document.encode())

    def sent(self, wire: responses.RequestsMock) -> list[tuple[str, str]]:
        (call,) = self.calls_to(wire, self.url)
        assert isinstance(call.request.body, bytes)
        root = fromstring(call.request.body)
        assert root.tag == "COMMAND"
        return [(element.tag, element.text or "") for element in root]

    # What is sent

    def test_a_disbursement_is_xml_with_the_account_the_pin_and_our_reference(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        self.send_with(wire, provider, body=self.body("taken"))
        assert self.sent(wire) == [
            ("TYPE", "REQMFICI"),
            ("REFERENCEID", "PAY123DEF456"),
            ("MSISDN", "255710000001"),
            ("PIN", PIN),
            ("MSISDN1", PHONE),
            ("AMOUNT", "5000"),
            ("LANGUAGE1", "en"),
        ]
        (call,) = wire.calls
        assert call.request.headers["Content-Type"] == "text/xml"
        assert "Authorization" not in call.request.headers
        assert str(call.request.body).startswith("b\"<?xml version='1.0'")

    def test_the_newer_form_names_brand_and_sender(self, wire: responses.RequestsMock) -> None:
        provider = self.build(MemoryTokenStore(), disburse_brand_id="1234", disburse_type="REQMFCI")
        self.send_with(wire, provider, body=self.body("taken"))
        sent = self.sent(wire)
        assert sent[0] == ("TYPE", "REQMFCI")
        assert sent[-3:] == [
            ("SENDERNAME", "Konektika payout"),
            ("LANGUAGE1", "en"),
            ("BRAND_ID", "1234"),
        ]

    def test_what_is_sent_cannot_break_out_of_its_tag(self, wire: responses.RequestsMock) -> None:
        provider = self.build(MemoryTokenStore(), disburse_brand_id="1")
        wire.add(responses.POST, self.url, body=self.body("taken"))
        words = "A&B</SENDERNAME><AMOUNT>9</AMOUNT>\x00\ud800\ufffe"
        provider.disburse(replace(DISBURSEMENT, description=words))
        sent = self.sent(wire)
        assert ("SENDERNAME", "A&B</SENDERNAME><AMOUNT>9</AMOUNT>") in sent
        assert [value for tag, value in sent if tag == "AMOUNT"] == ["5000"]

    def test_what_is_recorded_is_what_was_sent_without_its_secrets(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.send_with(wire, provider, body=self.body("taken"))
        assert answer.request["body"] == {
            "TYPE": "REQMFICI",
            "REFERENCEID": "PAY123DEF456",
            "MSISDN": "255710***001",
            "PIN": "[redacted]",
            "MSISDN1": "255754***456",
            "AMOUNT": "5000",
            "LANGUAGE1": "en",
        }
        assert answer.response == {
            "status": 200,
            "body": {
                "TYPE": "RESMFICI",
                "REFERENCEID": "PAY123DEF456",
                "TXNID": "42326232",
                "TXNSTATUS": "200",
                "MESSAGE": "Success",
            },
        }

    # What comes back

    @pytest.mark.parametrize(("code", "meaning"), CODES.items())
    def test_each_code(
        self,
        wire: responses.RequestsMock,
        provider: Provider,
        code: str,
        meaning: tuple[Outcome, Reason | None],
    ) -> None:
        receipt = "42326232" if meaning[0] == Outcome.SUCCEEDED else ""
        answer = self.answered(wire, provider, TXNSTATUS=code, TXNID=receipt)
        assert (answer.outcome, answer.reason, answer.code) == (*meaning, code)
        assert (answer.receipt, answer.is_unlisted) == (receipt, False)

    @pytest.mark.parametrize("code", UNLISTED)
    @pytest.mark.parametrize("receipt", ["", "42326232"])
    def test_a_code_that_the_sheet_does_not_list_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, code: str, receipt: str
    ) -> None:
        answer = self.answered(wire, provider, TXNSTATUS=code, TXNID=receipt)
        assert (answer.outcome, answer.code, answer.is_unlisted) == (Outcome.UNKNOWN, code, True)
        assert answer.receipt == ""

    def test_an_answer_without_a_code_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.answered(wire, provider, TXNSTATUS="")
        assert (answer.outcome, answer.is_unlisted) == (Outcome.UNKNOWN, False)

    @pytest.mark.parametrize(
        "changes",
        [
            {"TXNID": ""},
            {"REFERENCEID": ""},
            {"REFERENCEID": "PAY123DEF457"},
            {"REFERENCEID": "PAY123DEF4567"},
            {"TXNSTATUS": "60019"},
            {"TXNSTATUS": "60019", "TXNID": "", "REFERENCEID": "PAY123DEF457"},
        ],
    )
    def test_an_answer_whose_parts_disagree_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, changes: dict[str, str]
    ) -> None:
        answer = self.answered(wire, provider, **changes)
        assert (answer.outcome, answer.reason, answer.receipt) == (Outcome.UNKNOWN, None, "")

    def test_a_refusal_needs_no_reference(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        answer = self.answered(wire, provider, TXNSTATUS="60074", TXNID="", REFERENCEID="")
        assert (answer.outcome, answer.reason) == (Outcome.FAILED, Reason.NOT_REGISTERED)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 503])
    def test_a_listed_code_within_an_http_error_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, status: int
    ) -> None:
        answer = self.send_with(wire, provider, body=self.body("refused"), status=status)
        assert (answer.outcome, answer.code) == (Outcome.UNKNOWN, "60019")

    @pytest.mark.parametrize("name", NOT_TO_BE_TRUSTED)
    def test_xml_that_plays_tricks_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, name: str
    ) -> None:
        answer = self.send_with(wire, provider, body=NOT_TO_BE_TRUSTED[name].encode())
        assert (answer.outcome, answer.code, answer.receipt) == (Outcome.UNKNOWN, "", "")
        assert answer.message == ""
        assert answer.response["body"]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp500"])
    def test_an_answer_in_another_encoding_is_unknown(
        self, wire: responses.RequestsMock, provider: Provider, encoding: str
    ) -> None:
        for prolog in ("", f'<?xml version="1.0" encoding="{encoding}"?>'):
            body = (prolog + WHOLE).encode(encoding)
            assert self.send_with(wire, provider, body=body).outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize("prolog", ["", "\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n'])
    def test_the_same_answer_without_tricks_has_succeeded(
        self, wire: responses.RequestsMock, provider: Provider, prolog: str
    ) -> None:
        answer = self.send_with(wire, provider, body=(prolog + WHOLE + "\n").encode())
        assert (answer.outcome, answer.receipt) == (Outcome.SUCCEEDED, "42326232")

    def test_a_truncated_answer_is_unknown_wherever_it_ends(
        self, wire: responses.RequestsMock, provider: Provider
    ) -> None:
        for length in range(len(WHOLE)):
            answer = self.send_with(wire, provider, body=WHOLE[:length].encode())
            assert answer.outcome == Outcome.UNKNOWN

    # What the settings make of it

    @pytest.mark.parametrize("missing", ["disburse_url", "disburse_msisdn", "disburse_pin"])
    def test_without_its_settings_nothing_is_sent(
        self, wire: responses.RequestsMock, missing: str
    ) -> None:
        provider = self.build(MemoryTokenStore(), **{missing: ""})
        assert not provider.description.disburses
        answer = provider.disburse(DISBURSEMENT)
        assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, Reason.CONFIGURATION)
        assert len(wire.calls) == 0

    def test_nothing_can_be_asked_of_tigo(self, provider: Provider) -> None:
        assert not provider.description.can_query_disbursement
        assert not provider.description.can_query_reversal
