"""Reads and acknowledges Tigo's push callbacks (Tigo fact sheet, A.3)."""

from __future__ import annotations

import json
import re
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
from payments.providers.wire import (
    decode,
    identifier,
    json_object,
    member,
    reason_in,
    text,
    whole_shillings,
)

STATUSES = {True: True, False: False, "true": True, "false": False}
REFERENCE_IN_BODY = re.compile(r'"ReferenceID"\s*:\s*"([A-Za-z0-9_.-]{1,64})"')


def parse_callback(body: bytes, headers: Mapping[str, str], *, biller_code: str) -> Notice:
    """The only news of a push there is. Raises MalformedCallback."""
    try:
        return _notice(json_object(decode(body)), biller_code)
    except ValueError as error:
        raise MalformedCallback(f"no BillerPay callback: {error}") from error


def acknowledge(body: bytes, *, family: str) -> Acknowledgement:
    """Positive whatever the body says: it is stored. Echoes the ReferenceID as it came."""
    reply = {
        "ResponseCode": f"BILLER-{family}-0000-S",
        "ResponseStatus": True,
        "ResponseDescription": "Callback successful",
        "ReferenceID": _reference_as_sent(body),
    }
    return Acknowledgement(body=json.dumps(reply, separators=(",", ":")).encode())


def _notice(payload: dict[str, Any], biller_code: str) -> Notice:
    reference = identifier(payload.get("ReferenceID"))
    if not reference:
        raise ValueError("no ReferenceID")
    has_paid = _has_paid(payload.get("Status"))
    words = redact(text(payload.get("Description")))
    answer = Answer(
        outcome=Outcome.SUCCEEDED if has_paid else Outcome.FAILED,
        reason=None if has_paid else reason_in(words),
        message=words,
        receipt=identifier(payload.get("MFSTransactionID")) if has_paid else "",
        # What a failure calls its amount was not paid, and is not compared with anything.
        amount=whole_shillings(payload.get("Amount")) if has_paid else None,
        response=redact(payload),
    )
    return Notice(answer=answer, reference=reference.removeprefix(biller_code))


def _has_paid(status: object) -> bool:
    """Only the two booleans and their names: the text "false" is true to a careless reader."""
    if not isinstance(status, bool | str) or status not in STATUSES:
        raise ValueError("Status is neither true nor false")
    return STATUSES[status]


def _reference_as_sent(body: bytes) -> str:
    """The ReferenceID of any body from which it can be read, else ""."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        found = REFERENCE_IN_BODY.search(body.decode("utf-8", "replace"))
        return found[1] if found else ""
    return identifier(member(payload, "ReferenceID"))
