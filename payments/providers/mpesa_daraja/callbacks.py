"""Reads and acknowledges Daraja's callbacks: a push's (2.3), a transfer's result, a paid bill.

And that a transfer's request was given up in the provider's queue (2.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.providers.base import (
    Acknowledgement,
    Answer,
    MalformedCallback,
    Notice,
    Outcome,
)
from payments.providers.http import redact
from payments.providers.mpesa_daraja.bills import confirmation_notice
from payments.providers.mpesa_daraja.codes import result_meaning
from payments.providers.mpesa_daraja.results import ORIGINATOR, result_notice, time_out_notice
from payments.providers.wire import (
    decode,
    header,
    identifier,
    json_object,
    member,
    msisdn,
    text,
    whole_shillings,
)

ACKNOWLEDGEMENT = Acknowledgement(body=b'{"ResultCode":0,"ResultDesc":"Success"}')


def parse_callback(body: bytes, headers: Mapping[str, str]) -> Notice:
    """The news, told by its shape. Raises MalformedCallback."""
    try:
        return _notice(json_object(decode(body)), headers)
    except ValueError as error:
        raise MalformedCallback(f"no callback of Daraja: {error}") from error


def acknowledge() -> Acknowledgement:
    """The same for every body: a callback is delivered once, so what is stored is taken."""
    return ACKNOWLEDGEMENT


def _notice(payload: dict[str, Any], headers: Mapping[str, str]) -> Notice:
    match [name for name in ("Body", "Result", "TransID") if name in payload]:
        case ["Body"]:
            return _push_notice(payload, headers)
        case ["Result"]:
            return result_notice(payload)
        case ["TransID"]:
            return confirmation_notice(payload)
        case [] if identifier(payload.get(ORIGINATOR)):
            return time_out_notice(payload)
        case _:
            raise ValueError("neither a push nor a result nor a bill")


def _push_notice(payload: dict[str, Any], headers: Mapping[str, str]) -> Notice:
    """It names no reference of ours: the attempt's token is in the URL."""
    callback = member(payload, "Body", "stkCallback")
    code = identifier(member(callback, "ResultCode"))
    if not code:
        raise ValueError("Body.stkCallback has no ResultCode")
    meaning = result_meaning(code)
    has_paid = meaning.outcome == Outcome.SUCCEEDED
    paid = _metadata(callback) if has_paid else {}
    handle = identifier(callback.get("CheckoutRequestID"))
    answer = Answer(
        outcome=meaning.outcome,
        reason=meaning.reason,
        code=code,
        message=redact(text(callback.get("ResultDesc"))),
        receipt=identifier(paid.get("MpesaReceiptNumber")),
        provider_reference=handle,
        is_unlisted=meaning.is_unlisted,
        amount=whole_shillings(paid.get("Amount")) if has_paid else None,
        msisdn=msisdn(paid.get("PhoneNumber")),
        short_code=header(headers, "Businessshortcode").strip() or None,
        response=redact(payload),
    )
    return Notice(answer=answer, provider_reference=handle)


def _metadata(callback: Mapping[str, Any]) -> dict[str, Any]:
    """The items of a success by name: their order and number vary, and some have no value."""
    items = member(callback, "CallbackMetadata", "Item")
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("a success without CallbackMetadata")
    found = {text(item.get("Name")): item.get("Value") for item in items}
    if len(found) != len(items):
        raise ValueError("an item of CallbackMetadata is repeated")
    return found
