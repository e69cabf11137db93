"""Reads the results that arrive for transfers: disbursed, reversed, or asked for (2.6, 2.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from payments.providers.base import Answer, Notice, NoticeKind, Outcome
from payments.providers.http import SECRET_CHARACTERS_MIN, redact
from payments.providers.mpesa_daraja.codes import (
    REVERSAL_ONLY,
    UNKNOWN,
    Meaning,
    status_meaning,
    transfer_result_meaning,
)
from payments.providers.wire import identifier, member, msisdn, text, whole_shillings

OUR_REFERENCE = re.compile(r"[A-Z0-9]{1,12}")
OF_A_STATUS = frozenset({"TransactionStatus", "ReceiptNo", "InitiatedTime", "FinalisedTime"})
OF_A_SUCCESS = frozenset(
    {"TransactionReceipt", "TransactionCompletedDateTime", "TransCompletedTime"}
)
AMOUNTS = ("TransactionAmount", "Amount")
RECEIVERS = ("ReceiverPartyPublicName", "CreditPartyPublicName", "CreditPartyName")
ORIGINATOR = "OriginatorConversationID"
NAMES = (ORIGINATOR, "ConversationID")
READ = frozenset({*OF_A_STATUS, *OF_A_SUCCESS, *AMOUNTS, *RECEIVERS, *NAMES})


def result_notice(payload: Mapping[str, Any]) -> Notice:
    """The news of a transfer. Raises ValueError.

    A status question has a result of its own, at the same URL and of the same shape: it succeeds
    when the question worked, and its ConversationID is the question's.
    """
    result = member(payload, "Result")
    code = identifier(member(result, "ResultCode"))
    if not code:
        raise ValueError("Result has no ResultCode")
    parameters = named(member(result, "ResultParameters", "ResultParameter"), READ)
    references = named(member(result, "ReferenceData", "ReferenceItem"), READ)
    if _is_own(code, result, parameters, references):
        meaning = _own_meaning(code, parameters)
        receipt, names = parameters.get("TransactionReceipt") or result.get("TransactionID"), result
    else:
        meaning = status_meaning(code, identifier(parameters.get("TransactionStatus")))
        receipt, names = parameters.get("ReceiptNo"), parameters
    has_moved = meaning.outcome == Outcome.SUCCEEDED
    handle = identifier(names.get("ConversationID"))
    answer = Answer(
        outcome=meaning.outcome,
        reason=meaning.reason,
        code=code,
        message=redact(text(result.get("ResultDesc"))),
        receipt=identifier(receipt) if has_moved else "",
        provider_reference=handle,
        is_unlisted=meaning.is_unlisted,
        amount=_amount(parameters) if has_moved else None,
        msisdn=_receiver(parameters) if has_moved else None,
        response=redact(payload, _secrets(references)),
    )
    return Notice(
        answer=answer,
        kind=NoticeKind.TRANSFER,
        reference=identifier(names.get(ORIGINATOR)),
        provider_reference=handle,
    )


def time_out_notice(payload: Mapping[str, Any]) -> Notice:
    """What is told at the time-out URL: it may have been done or not (2.6, the outcome table).

    Its shape is not documented, and a question's own request may have been given up as well as a
    transfer's: so of its names only ours is read.
    """
    answer = Answer(
        outcome=Outcome.UNKNOWN,
        message="M-Pesa gave the request up in its queue",
        response=redact(payload),
    )
    return Notice(
        answer=answer, kind=NoticeKind.TRANSFER, reference=identifier(payload.get(ORIGINATOR))
    )


def named(items: Any, read: frozenset[str]) -> dict[str, Any]:
    """Key and Value pairs by key. A list of one may have collapsed into its item (2.6).

    What is not read may be repeated, as M-Pesa's own sample does.
    """
    if items in (None, ""):
        return {}
    listed = items if isinstance(items, list) else [items]
    found: dict[str, Any] = {}
    for item in listed:
        if not isinstance(item, dict):
            raise ValueError("the result's parameters are no keys and values")
        key = text(item.get("Key"))
        if key in found and key in read and found[key] != item.get("Value"):
            raise ValueError(f"{key} is told twice")
        found[key] = item.get("Value")
    return found


def _is_own(
    code: str,
    result: Mapping[str, Any],
    parameters: Mapping[str, Any],
    references: Mapping[str, Any],
) -> bool:
    """Whether this is the transfer's own result, and not that of a question about it.

    A question that did not work looks much like a transfer that failed: in doubt it is a question,
    which decides nothing.
    """
    if parameters.keys() & OF_A_STATUS or (not parameters and "Occasion" in references):
        return False
    originator = identifier(result.get(ORIGINATOR))
    return (
        code == "0"
        or code in REVERSAL_ONLY
        or OUR_REFERENCE.fullmatch(originator) is not None
        or "QueueTimeoutURL" in references
    )


def _own_meaning(code: str, parameters: Mapping[str, Any]) -> Meaning:
    """What the transfer's own result says; a refusal that tells when the money arrived, nothing."""
    meaning = transfer_result_meaning(code)
    contradicts_itself = meaning.outcome == Outcome.FAILED and parameters.keys() & OF_A_SUCCESS
    return UNKNOWN if contradicts_itself else meaning


def _amount(parameters: Mapping[str, Any]) -> int | None:
    told = [parameters[name] for name in AMOUNTS if name in parameters]
    return whole_shillings(told[0]) if told else None


def _receiver(parameters: Mapping[str, Any]) -> str | None:
    """The phone in "2547… - NAME"."""
    told = next((text(parameters[name]) for name in RECEIVERS if name in parameters), "")
    return msisdn(told.partition(" - ")[0].strip())


def _secrets(references: Mapping[str, Any]) -> list[str]:
    """The time-out URL, which ends in the transfer's secret token."""
    url = text(references.get("QueueTimeoutURL"))
    return [url] if len(url) >= SECRET_CHARACTERS_MIN else []
