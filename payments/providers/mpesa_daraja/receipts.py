"""Reads what M-Pesa answers of a receipt: from whom to whom money went, how much and when (2.7)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from payments.providers.base import Answer, MalformedCallback, Outcome
from payments.providers.http import redact
from payments.providers.mpesa_daraja.codes import status_meaning
from payments.providers.mpesa_daraja.results import named
from payments.providers.wire import (
    decode,
    identifier,
    json_object,
    member,
    msisdn,
    text,
    whole_shillings,
)

EAST_AFRICA_TIME = timezone(timedelta(hours=3))
READ = frozenset(
    {
        "TransactionStatus",
        "ReceiptNo",
        "Amount",
        "DebitPartyName",
        "CreditPartyName",
        "FinalisedTime",
    }
)


def read_receipt(body: bytes) -> Answer:
    """The result of a status question by receipt. Raises MalformedCallback.

    A receipt may be of money that we have sent: then the payer is no phone, and who got it is not us.
    """
    try:
        return _answer(json_object(decode(body)))
    except ValueError as error:
        raise MalformedCallback(f"no result of a status question: {error}") from error


def _answer(payload: dict[str, Any]) -> Answer:
    result = member(payload, "Result")
    code = identifier(member(result, "ResultCode"))
    if not code:
        raise ValueError("Result has no ResultCode")
    told = named(member(result, "ResultParameters", "ResultParameter"), READ)
    status = identifier(told.get("TransactionStatus"))
    meaning = status_meaning(code, status)
    has_moved = meaning.outcome == Outcome.SUCCEEDED
    return Answer(
        outcome=meaning.outcome,
        reason=meaning.reason,
        code=status or code,
        message=redact(text(member(result, "ResultDesc"))),
        receipt=identifier(told.get("ReceiptNo")),
        is_unlisted=meaning.is_unlisted,
        amount=whole_shillings(told.get("Amount")) if has_moved else None,
        msisdn=msisdn(_party(told.get("DebitPartyName"))),
        short_code=_party(told.get("CreditPartyName")) or None,
        paid_at=_moment(text(told.get("FinalisedTime"))),
    )


def _party(value: Any) -> str:
    """The number in "2557… - NAME" or "600100 - NAME"."""
    return text(value).partition(" - ")[0].strip()


def _moment(stamp: str) -> datetime | None:
    """`YYYYMMDDHHmmss` in East Africa; None for anything else."""
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=EAST_AFRICA_TIME)
    except ValueError:
        return None
