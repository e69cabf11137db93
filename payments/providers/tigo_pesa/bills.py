"""Reads and answers Tigo's questions about customer-initiated bills, W2A (Tigo fact sheet, C)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from payments.providers.base import (
    Acknowledgement,
    BillDecision,
    BillQuestion,
    MalformedCallback,
    QuestionKind,
    Verdict,
)
from payments.providers.http import redact
from payments.providers.tigo_pesa.command import CONTENT_TYPE, read_command, write_command
from payments.providers.wire import identifier, msisdn, whole_shillings

CONTENT_CHARACTERS_MAX = 140
KINDS = {
    "SYNC_LOOKUP_REQUEST": QuestionKind.NAME,
    "SYNC_BILLPAY_REQUEST": QuestionKind.PAYMENT,
}
TYPE_IN_BODY = re.compile(rb"<TYPE>\s*(SYNC_(?:LOOKUP|BILLPAY)_REQUEST)\s*</TYPE>")

# C.1 and C.2. TF gives the payer the money back; error111 has Tigo ask again.
SUCCESS = "error000"
UNKNOWN_REFERENCE = "error010"
INVALID_AMOUNT = "error012"
INVALID_PAYMENT = "error016"
INVALID_FORMAT = "error030"
GENERAL_ERROR = "error100"
ASK_AGAIN = "error111"

LOOKUP_CODES = {
    Verdict.ACCEPTED: SUCCESS,
    Verdict.UNKNOWN_REFERENCE: UNKNOWN_REFERENCE,
    Verdict.WRONG_AMOUNT: INVALID_FORMAT,
    Verdict.NOT_UNDERSTOOD: INVALID_FORMAT,
    Verdict.ASK_AGAIN: GENERAL_ERROR,  # a name check has no code for it
}
PAYMENT_CODES = {
    Verdict.ACCEPTED: SUCCESS,
    Verdict.UNKNOWN_REFERENCE: UNKNOWN_REFERENCE,
    Verdict.WRONG_AMOUNT: INVALID_AMOUNT,
    Verdict.NOT_UNDERSTOOD: INVALID_PAYMENT,
    Verdict.ASK_AGAIN: ASK_AGAIN,
}
SENTENCES = {
    SUCCESS: "Success",
    UNKNOWN_REFERENCE: "The reference number is not known",
    INVALID_AMOUNT: "The amount is not right for this reference number",
    INVALID_PAYMENT: "The payment is not valid",
    INVALID_FORMAT: "The reference number is not valid",
    GENERAL_ERROR: "The request could not be processed",
    ASK_AGAIN: "The request could not be processed now",
}


def read_question(body: bytes) -> BillQuestion:
    """A question as far as it can be answered: an empty reference is one that nobody has.

    Raises MalformedCallback, also for a payment without its id or amount.
    """
    try:
        return _question(read_command(body))
    except ValueError as error:
        raise MalformedCallback(f"no bill question: {error}") from error


def answer_question(question: BillQuestion | None, decision: BillDecision) -> Acknowledgement:
    """The reply in the question's form; to what could not be read, that a payment is refused."""
    if question is None:
        return _payment_reply(GENERAL_ERROR)
    if question.kind == QuestionKind.NAME:
        return _lookup_reply(
            LOOKUP_CODES[decision.verdict], payer=question.msisdn or "", name=decision.name
        )
    return _payment_reply(
        PAYMENT_CODES[decision.verdict],
        payer=question.msisdn or "",
        receipt=question.receipt,
        our_id=decision.our_id,
    )


def refuse_unread(body: bytes) -> Acknowledgement | None:
    """The refusal of a question of which no more than its TYPE can be seen; None without that."""
    found = TYPE_IN_BODY.search(body)
    if found is None:
        return None
    if KINDS[found[1].decode()] == QuestionKind.NAME:
        return _lookup_reply(GENERAL_ERROR)
    return _payment_reply(GENERAL_ERROR)


def _question(fields: Mapping[str, str]) -> BillQuestion:
    kind = KINDS.get(fields.get("TYPE", ""))
    if kind is None:
        raise ValueError("its TYPE is not one of a question")
    is_payment = kind == QuestionKind.PAYMENT
    receipt = identifier(fields.get("TXNID")) if is_payment else ""
    if is_payment and not receipt:
        raise ValueError("no TXNID")
    return BillQuestion(
        kind=kind,
        bill_reference=identifier(fields.get("CUSTOMERREFERENCEID")),
        msisdn=msisdn(fields.get("MSISDN")),
        amount=whole_shillings(fields.get("AMOUNT")) if is_payment else None,
        receipt=receipt,
        short_code=identifier(fields.get("COMPANYNAME")),
        payload=redact(fields),
    )


def _lookup_reply(code: str, *, payer: str = "", name: str = "") -> Acknowledgement:
    return _reply(
        {
            "TYPE": "SYNC_LOOKUP_RESPONSE",
            "RESULT": _result(code),
            "ERRORCODE": code,
            "ERRORDESC": SENTENCES[code],
            "MSISDN": payer,
            "FLAG": _flag(code),
            "CONTENT": _content(name if code == SUCCESS else SENTENCES[code]),
        }
    )


def _payment_reply(
    code: str, *, payer: str = "", receipt: str = "", our_id: str = ""
) -> Acknowledgement:
    return _reply(
        {
            "TYPE": "SYNC_BILLPAY_RESPONSE",
            "TXNID": receipt,
            "REFID": our_id,
            "RESULT": _result(code),
            "ERRORCODE": code,
            # The document's sample has the first name, its table of fields the second (C.2).
            "ERRORDESC": SENTENCES[code],
            "ERRORDESCRIPTION": SENTENCES[code],
            "MSISDN": payer,
            "FLAG": _flag(code),
            "CONTENT": _content(SENTENCES[code]),
        }
    )


def _reply(fields: Mapping[str, str]) -> Acknowledgement:
    return Acknowledgement(body=write_command(fields), content_type=CONTENT_TYPE)


def _result(code: str) -> str:
    return "TS" if code == SUCCESS else "TF"


def _flag(code: str) -> str:
    return "Y" if code == SUCCESS else "N"


def _content(words: str) -> str:
    """What the payer reads; a bar would end it."""
    return words.replace("|", " ")[:CONTENT_CHARACTERS_MAX]
