"""Reads and answers what M-Pesa tells of a customer who pays by its own menu: C2B (2.7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from payments.providers.base import (
    Acknowledgement,
    Answer,
    BillDecision,
    BillQuestion,
    MalformedCallback,
    Notice,
    NoticeKind,
    Outcome,
    QuestionKind,
    Verdict,
)
from payments.providers.http import redact
from payments.providers.mpesa_daraja.codes import VALIDATION_CODES
from payments.providers.wire import (
    decode,
    identifier,
    json_object,
    msisdn,
    text,
    whole_shillings,
)


def read_validation(body: bytes) -> BillQuestion:
    """Whether a payment may be made; nothing is paid yet. Raises MalformedCallback."""
    try:
        payload = json_object(decode(body))
        return BillQuestion(
            kind=QuestionKind.VALIDATION,
            bill_reference=identifier(payload.get("BillRefNumber")),
            msisdn=_payer(payload),
            amount=whole_shillings(payload.get("TransAmount")),
            receipt=_receipt(payload),
            short_code=identifier(payload.get("BusinessShortCode")) or None,
            payload=redact(payload),
        )
    except ValueError as error:
        raise MalformedCallback(f"no C2B validation: {error}") from error


def answer_validation(decision: BillDecision) -> Acknowledgement:
    is_accepted = decision.verdict == Verdict.ACCEPTED
    answer = {
        "ResultCode": VALIDATION_CODES[decision.verdict],
        "ResultDesc": "Accepted" if is_accepted else "Rejected",
    }
    return Acknowledgement(body=json.dumps(answer, separators=(",", ":")).encode())


def confirmation_notice(payload: Mapping[str, Any]) -> Notice:
    """The news of a payment that was made. Raises ValueError."""
    answer = Answer(
        outcome=Outcome.SUCCEEDED,
        receipt=_receipt(payload),
        amount=whole_shillings(payload.get("TransAmount")),
        msisdn=_payer(payload),
        short_code=identifier(payload.get("BusinessShortCode")) or None,
        response=redact(payload),
    )
    names = (text(payload.get(name)) for name in ("FirstName", "MiddleName", "LastName"))
    return Notice(
        answer=answer,
        kind=NoticeKind.BILL,
        bill_reference=identifier(payload.get("BillRefNumber")),
        payer_name=" ".join(name for name in names if name),
    )


def _receipt(payload: Mapping[str, Any]) -> str:
    receipt = identifier(payload.get("TransID"))
    if not receipt:
        raise ValueError("there is no TransID")
    return receipt


def _payer(payload: Mapping[str, Any]) -> str | None:
    """None for most: version 1 tells a hash of the number, version 2 masks it."""
    return msisdn(payload.get("MSISDN"))
