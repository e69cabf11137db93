"""Reads, verifies and acknowledges Airtel's callbacks (Airtel fact sheet, 7)."""

from __future__ import annotations

import hmac
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from payments.providers.airtel_money.codes import STATUSES, status_meaning
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.base import (
    Acknowledgement,
    Answer,
    MalformedCallback,
    Notice,
    Outcome,
    Signature,
)
from payments.providers.http import redact
from payments.providers.wire import decode, identifier, json_object, text

logger = logging.getLogger(__name__)

ACKNOWLEDGEMENT = Acknowledgement(body=b"{}")
SPACE = " \t\r\n"


def parse_callback(config: AirtelMoneyConfig, body: bytes, headers: Mapping[str, str]) -> Notice:
    """The news of a payment, with what its hash is worth. It names neither amount nor phone.

    Raises MalformedCallback.
    """
    try:
        document = decode(body)
        payload = json_object(document)
        return _notice(payload, _signature(config, document, payload))
    except ValueError as error:
        raise MalformedCallback(f"no payment callback: {error}") from error


def acknowledge() -> Acknowledgement:
    """The same for every body."""
    return ACKNOWLEDGEMENT


def _notice(payload: dict[str, Any], signature: Signature) -> Notice:
    transaction = _transaction(payload)
    reference = identifier(transaction.get("id"))
    status = identifier(transaction.get("status_code"))
    if not reference or not status:
        raise ValueError("the transaction has no id or no status_code")
    words = redact(text(transaction.get("message")))
    outcome, reason = status_meaning(status, words)
    has_receipt = outcome == Outcome.SUCCEEDED
    answer = Answer(
        outcome=outcome,
        reason=reason,
        code=status,
        message=words,
        receipt=identifier(transaction.get("airtel_money_id")) if has_receipt else "",
        is_unlisted=status not in STATUSES,
        response=redact(payload),
    )
    return Notice(answer=answer, reference=reference, signature=signature)


def _transaction(payload: dict[str, Any]) -> dict[str, Any]:
    transaction = payload.get("transaction")
    if not isinstance(transaction, dict):
        raise ValueError("no transaction")
    return transaction


def _signature(config: AirtelMoneyConfig, document: str, payload: dict[str, Any]) -> Signature:
    """The hash against each form that the setting allows: which one Airtel means is not certain."""
    given = payload.get("hash")
    if given is None or not config.callback_key:
        return Signature.ABSENT
    transaction = _transaction(payload)
    forms = HASHED_FORMS if config.hash_form == "auto" else (config.hash_form,)
    for form in forms:
        signed = HASHED_FORMS[form](document, transaction)
        if _is_same(text(given), _hash(config.callback_key, signed)):
            logger.info("Airtel callback hash fits AIRTEL_HASH_FORM=%s", form)
            return Signature.VALID
    return Signature.WRONG


def _hash(key: str, signed: str) -> str:
    return b64encode(hmac.digest(key.encode(), signed.encode(), "sha256")).decode()


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _as_received(document: str, transaction: dict[str, Any]) -> str:
    """The transaction's very characters, cut out of the body.

    The document is known to be one JSON object without repeated names that has a transaction.
    """
    decoder = json.JSONDecoder()
    at = document.index("{")
    while True:
        name, at = decoder.raw_decode(document, _skip(document, at + 1, SPACE))
        start = _skip(document, at, SPACE + ":")
        _, at = decoder.raw_decode(document, start)
        if name == "transaction":
            return document[start:at]
        at = _skip(document, at, SPACE)


def _skip(document: str, at: int, characters: str) -> int:
    while document[at] in characters:
        at += 1
    return at


def _compact(document: str, value: dict[str, Any]) -> str:
    """As JavaScript's JSON.stringify writes it: no spaces, names in the order received."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _wrapped(document: str, transaction: dict[str, Any]) -> str:
    return _compact(document, {"transaction": transaction})


HASHED_FORMS: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "raw": _as_received,
    "transaction": _compact,
    "wrapped": _wrapped,
}
