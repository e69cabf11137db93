"""Reads and acknowledges the Open API's asynchronous results (M-Pesa fact sheet, 1.4 and 1.5)."""

from __future__ import annotations

import json
import re
from typing import Any

from payments.providers.base import Acknowledgement, Answer, MalformedCallback, Notice, Outcome
from payments.providers.http import redact
from payments.providers.mpesa_openapi.codes import DONE, LISTED, payment_meaning
from payments.providers.wire import decode, identifier, json_object, member, text

CONVERSATION = "input_OriginalConversationID"
REFERENCE = "input_ThirdPartyConversationID"
RESULT_CODE = "input_ResultCode"
# Inside a JSON string the quotes would be escaped: a customer's own words never look like this.
OUR_NAMES = re.compile(rf'"({CONVERSATION}|{REFERENCE}|{RESULT_CODE})"\s*:'.encode())
NOT_AVAILABLE = "N/A"


def recognises(body: bytes) -> bool:
    """Whether a raw body is this dialect's callback: Daraja's arrive at the same webhook."""
    return OUR_NAMES.search(body) is not None


def parse_callback(body: bytes) -> Notice:
    """The news of a collection, a disbursement or a reversal: their callbacks look the same.

    Raises MalformedCallback.
    """
    try:
        return _notice(json_object(decode(body)))
    except ValueError as error:
        raise MalformedCallback(f"no result of the Open API: {error}") from error


def acknowledge(body: bytes) -> Acknowledgement:
    """Taken, whatever the body says: it is stored. Echoes both conversations as they came."""
    reply = {
        "output_OriginalConversationID": _as_sent(body, CONVERSATION),
        "output_ResponseCode": "0",
        "output_ResponseDesc": "Successfully Accepted Result",
        "output_ThirdPartyConversationID": _as_sent(body, REFERENCE),
    }
    return Acknowledgement(body=json.dumps(reply, separators=(",", ":")).encode())


def given(value: Any) -> str:
    """An identifier; "" also for the literal "N/A", which stands for none (1.4)."""
    name = identifier(value)
    return "" if name == NOT_AVAILABLE else name


def _notice(payload: dict[str, Any]) -> Notice:
    reference = given(payload.get(REFERENCE))
    if not reference:
        raise ValueError(f"no {REFERENCE}")
    code = identifier(payload.get(RESULT_CODE))
    if not code:
        raise ValueError(f"no {RESULT_CODE}")
    if code == "0":  # the older form of success (1.4)
        code = DONE
    receipt = given(payload.get("input_TransactionID"))
    outcome, reason = payment_meaning(code, receipt)
    handle = given(payload.get(CONVERSATION))
    answer = Answer(
        outcome=outcome,
        reason=reason,
        code=code,
        message=redact(text(payload.get("input_ResultDesc"))),
        receipt=receipt if outcome == Outcome.SUCCEEDED else "",
        provider_reference=handle,
        is_unlisted=code not in LISTED,
        response=redact(payload),
    )
    return Notice(answer=answer, reference=reference, provider_reference=handle)


def _as_sent(body: bytes, name: str) -> str:
    """The name's value in any body from which it can be read, else ""."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        pattern = rf'"{name}"\s*:\s*"([\w .-]{{1,64}})"'
        found = re.search(pattern, body.decode("utf-8", "replace"), re.ASCII)
        return found[1] if found else ""
    return identifier(member(payload, name))
