"""Tigo Pesa's questions about customer-initiated bills, against the Tigo fact sheet, product C."""

from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring

from payments.providers.base import (
    Acknowledgement,
    AsksBills,
    BillDecision,
    BillQuestion,
    MalformedCallback,
    QuestionKind,
    Verdict,
)
from payments.providers.http import MemoryTokenStore
from payments.providers.tigo_pesa.client import TigoPesa
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.tests.providers.contract import PAYLOADS

LOOKUP = (PAYLOADS / "tigo_pesa" / "bill_lookup.xml").read_text()
PAYMENT = (PAYLOADS / "tigo_pesa" / "bill_payment.xml").read_text()
ACCEPTED = BillDecision(verdict=Verdict.ACCEPTED, name="ASHA JUMA", our_id="BILL42")

NOT_READ = {
    "nothing": "",
    "json": '{"TYPE":"SYNC_BILLPAY_REQUEST"}',
    "a document type": PAYMENT.replace("<COMMAND>", "<!DOCTYPE COMMAND><COMMAND>"),
    "the amount twice": PAYMENT.replace("</AMOUNT>", "</AMOUNT><AMOUNT>1</AMOUNT>"),
    "another root": PAYMENT.replace("COMMAND>", "REQUEST>"),
    "another type": PAYMENT.replace("SYNC_BILLPAY_REQUEST", "SYNC_REVERSAL_REQUEST"),
    "an answer": PAYMENT.replace("SYNC_BILLPAY_REQUEST", "SYNC_BILLPAY_RESPONSE"),
    "cut off": PAYMENT[:-12],
}


@pytest.fixture
def provider() -> TigoPesa:
    config = TigoPesaConfig(
        api_key="fake-username",
        secret="fake-password",
        biller_msisdn="255710000000",
        biller_code="KNK",
        base_url="https://provider.example",
        amount_min=1,
        amount_max=3_000_000,
    )
    return TigoPesa(config, MemoryTokenStore())


def read(provider: AsksBills, document: str, **changes: str) -> BillQuestion:
    for tag, value in changes.items():
        document = re.sub(f"<{tag}>.*</{tag}>", f"<{tag}>{value}</{tag}>", document)
    return provider.read_question(document.encode(), {})


def fields(reply: Acknowledgement) -> dict[str, str]:
    assert (reply.status, reply.content_type) == (200, "text/xml")
    root = fromstring(reply.body, forbid_dtd=True)
    assert root.tag == "COMMAND"
    return {element.tag: element.text or "" for element in root}


# Reading


def test_a_name_check_is_a_question_for_a_name(provider: TigoPesa) -> None:
    question = read(provider, LOOKUP)
    assert (question.kind, question.bill_reference) == (QuestionKind.NAME, "ABC123DEF456")
    assert (question.msisdn, question.short_code) == ("255711234567", "600100")
    assert (question.amount, question.receipt) == (None, "")


def test_a_bill_pay_tells_amount_receipt_and_payer(provider: TigoPesa) -> None:
    question = read(provider, PAYMENT)
    assert (question.kind, question.bill_reference) == (QuestionKind.PAYMENT, "ABC123DEF456")
    assert (question.amount, question.receipt) == (5000, "BP140218.1240.B01530")
    assert (question.msisdn, question.short_code) == ("255711234567", "600100")
    assert question.payload["SENDERNAME"] == "ASHA JUMA"
    assert "255711234567" not in repr(question.payload)


def test_the_older_form_has_no_sender(provider: TigoPesa) -> None:
    older = PAYMENT.replace("<SENDERNAME>ASHA JUMA</SENDERNAME>", "")
    assert read(provider, older).amount == 5000


@pytest.mark.parametrize("document", [LOOKUP, PAYMENT])
def test_what_the_customer_did_not_type_is_nobodys_reference(
    provider: TigoPesa, document: str
) -> None:
    assert read(provider, document, CUSTOMERREFERENCEID="").bill_reference == ""
    without = re.sub("<CUSTOMERREFERENCEID>.*</CUSTOMERREFERENCEID>", "", document)
    assert read(provider, without).bill_reference == ""


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_no_question_is_malformed(provider: TigoPesa, name: str) -> None:
    with pytest.raises(MalformedCallback):
        provider.read_question(NOT_READ[name].encode(), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"TXNID": ""},
        {"TXNID": "B" * 101},
        *({"AMOUNT": amount} for amount in ("", "0", "-5", "5,000", "12.50", "5e3", "TZS 5000")),
    ],
)
def test_a_payment_without_its_facts_is_malformed(
    provider: TigoPesa, changes: dict[str, str]
) -> None:
    with pytest.raises(MalformedCallback):
        read(provider, PAYMENT, **changes)


# Answering


def test_a_known_reference_is_answered_with_its_name(provider: TigoPesa) -> None:
    reply = provider.answer_question(read(provider, LOOKUP), ACCEPTED)
    assert fields(reply) == {
        "TYPE": "SYNC_LOOKUP_RESPONSE",
        "RESULT": "TS",
        "ERRORCODE": "error000",
        "ERRORDESC": "Success",
        "MSISDN": "255711234567",
        "FLAG": "Y",
        "CONTENT": "ASHA JUMA",
    }


def test_a_taken_payment_is_answered_with_its_receipt_and_our_id(provider: TigoPesa) -> None:
    reply = provider.answer_question(read(provider, PAYMENT), ACCEPTED)
    assert fields(reply) == {
        "TYPE": "SYNC_BILLPAY_RESPONSE",
        "TXNID": "BP140218.1240.B01530",
        "REFID": "BILL42",
        "RESULT": "TS",
        "ERRORCODE": "error000",
        "ERRORDESC": "Success",
        "ERRORDESCRIPTION": "Success",
        "MSISDN": "255711234567",
        "FLAG": "Y",
        "CONTENT": "Success",
    }
    assert provider.answer_question(read(provider, PAYMENT), ACCEPTED) == reply


@pytest.mark.parametrize(
    ("document", "verdict", "code"),
    [
        (LOOKUP, Verdict.UNKNOWN_REFERENCE, "error010"),
        (LOOKUP, Verdict.NOT_UNDERSTOOD, "error030"),
        (LOOKUP, Verdict.WRONG_AMOUNT, "error030"),
        (LOOKUP, Verdict.ASK_AGAIN, "error100"),
        (PAYMENT, Verdict.UNKNOWN_REFERENCE, "error010"),
        (PAYMENT, Verdict.WRONG_AMOUNT, "error012"),
        (PAYMENT, Verdict.NOT_UNDERSTOOD, "error016"),
        (PAYMENT, Verdict.ASK_AGAIN, "error111"),
    ],
)
def test_each_refusal_has_its_code_and_a_sentence(
    provider: TigoPesa, document: str, verdict: Verdict, code: str
) -> None:
    decision = BillDecision(verdict=verdict, name="ASHA JUMA", our_id="BILL42")
    reply = fields(provider.answer_question(read(provider, document), decision))
    assert (reply["RESULT"], reply["FLAG"], reply["ERRORCODE"]) == ("TF", "N", code)
    assert reply["ERRORDESC"] == reply["CONTENT"]
    assert "ASHA" not in repr(reply)
    if document == PAYMENT:
        assert (reply["TXNID"], reply["REFID"]) == ("BP140218.1240.B01530", "BILL42")
        assert reply["ERRORDESCRIPTION"] == reply["ERRORDESC"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A" * 200, "A" * 140),
        ("ASHA|JUMA", "ASHA JUMA"),
        ("A&B <b>\x07\ud800", "A&B <b>"),
        ("Nyota njema \u2605", "Nyota njema \u2605"),
    ],
)
def test_a_name_is_shown_as_the_menu_can_show_it(provider: TigoPesa, name: str, shown: str) -> None:
    decision = BillDecision(verdict=Verdict.ACCEPTED, name=name)
    reply = provider.answer_question(read(provider, LOOKUP), decision)
    assert fields(reply)["CONTENT"] == shown


def test_what_could_not_be_read_is_refused_as_a_payment(provider: TigoPesa) -> None:
    reply = fields(provider.answer_question(None, BillDecision(verdict=Verdict.NOT_UNDERSTOOD)))
    assert reply["TYPE"] == "SYNC_BILLPAY_RESPONSE"
    assert (reply["RESULT"], reply["ERRORCODE"]) == ("TF", "error100")


@pytest.mark.parametrize(
    ("document", "reply_type"),
    [(LOOKUP, "SYNC_LOOKUP_RESPONSE"), (PAYMENT, "SYNC_BILLPAY_RESPONSE")],
)
def test_a_question_of_which_only_the_type_is_seen_is_refused_in_its_form(
    provider: TigoPesa, document: str, reply_type: str
) -> None:
    for body in (document[:-12], document + "</xml>", "<!DOCTYPE x>" + document):
        reply = fields(provider.acknowledge(body.encode()))
        assert (reply["TYPE"], reply["RESULT"]) == (reply_type, "TF")
        assert reply["ERRORCODE"] == "error100"
