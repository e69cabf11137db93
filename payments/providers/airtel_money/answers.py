"""Reads Airtel's envelope: its codes, its words, and what they make of a request (fact sheet, 3)."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from payments.providers.airtel_money.codes import (
    ACCEPTED,
    AMBIGUOUS,
    INVALID_REQUEST,
    LISTED,
    MISCONFIGURED,
    NO_SUCH_TRANSACTION,
    NOT_FOUND,
    NOT_PAID,
    NOT_PROCESSED,
    NOT_PROCESSED_STATUSES,
    PAYER_MISSING,
    PENDING,
    SIGNATURE_REFUSED,
    STATUSES,
    TAKEN,
    TRANSFER_AMBIGUOUS,
    TRANSFER_INVALID,
    TRANSFER_PENDING,
    TRANSFER_REFUSALS,
    TRANSFER_SUCCEEDED,
    UNKNOWN,
    Meaning,
    esb,
    refusal_meaning,
    status_meaning,
    transfer_refusal_meaning,
)
from payments.providers.base import Outcome, Reason
from payments.providers.http import Exchange
from payments.providers.wire import identifier, member

TRANSACTION = ("data", "transaction")
BALANCE = re.compile(r"([0-9]{1,15})(\.[0-9]*)?")
NAME_CHARACTERS_MAX = 100


def codes(exchange: Exchange) -> frozenset[str]:
    """Every code of the answer: the envelope's two, and a router's, which has another shape (3)."""
    status = member(exchange.json, "status")
    found = {
        identifier(member(status, "response_code")),
        esb(identifier(member(status, "result_code"))),
        identifier(member(exchange.json, "status_code")),
    }
    return frozenset(found - {""})


def code(exchange: Exchange) -> str:
    """The code to show: one that the sheet does not list, else the most telling one."""
    status = member(exchange.json, "status")
    candidates = (
        member(status, "response_code"),
        member(status, "result_code"),
        member(exchange.json, "status_code"),
        member(exchange.json, "error"),
    )
    told = next((code for value in candidates if (code := identifier(value))), "")
    return unlisted_code(exchange) or told


def unlisted_code(exchange: Exchange) -> str:
    """A code that the sheet does not list; "" without one."""
    return next(iter(sorted(codes(exchange) - LISTED)), "")


def unlisted(exchange: Exchange) -> str:
    """The status of the transaction, or else the code, that the sheet does not list; "" without."""
    status = transaction_status(exchange)
    is_listed = status in STATUSES or status in ("", TAKEN)
    return unlisted_code(exchange) if is_listed else status


def words(exchange: Exchange) -> str:
    return (
        exchange.words("status", "message")
        or exchange.words("status_message")
        or exchange.words("error_description")
    )


def transaction_words(exchange: Exchange) -> str:
    return exchange.words(*TRANSACTION, "message") or words(exchange)


def transaction_status(exchange: Exchange) -> str:
    """The transaction's own status; "" in an answer that HTTP calls an error."""
    status = identifier(member(exchange.json, *TRANSACTION, "status"))
    return status if exchange.is_ok else ""


def transaction_member(exchange: Exchange, name: str) -> str:
    return identifier(member(exchange.json, *TRANSACTION, name))


def token_is_dead(exchange: Exchange) -> bool:
    """The code varies between copies of the documents, 401 or 403; the body does not (2)."""
    says_so = member(exchange.json, "error") == "invalid_token" and exchange.status < 500
    return says_so or (exchange.status == 401 and not codes(exchange))


def signature_is_refused(exchange: Exchange) -> bool:
    """Whether nothing was processed because the signature did not fit the body (4)."""
    found = codes(exchange)
    is_proof = exchange.status < 500 and not found & (AMBIGUOUS | TRANSFER_AMBIGUOUS)
    return is_proof and bool(found & SIGNATURE_REFUSED)


def is_not_found(exchange: Exchange) -> bool:
    has_information = exchange.status < 500 and exchange.status != 429
    return has_information and bool(codes(exchange) & NOT_FOUND)


def payment_meaning(exchange: Exchange) -> Meaning:
    """What the answer to a request for a payment says (5, 11 and 12)."""
    found = codes(exchange)
    if exchange.status == 429 or _is_refused_by_http(exchange):
        return NOT_PROCESSED
    if found & AMBIGUOUS:
        return UNKNOWN
    if found & INVALID_REQUEST:
        return MISCONFIGURED
    if _is_accepted(exchange, found):
        return PENDING
    refusal = _refusal_among(exchange, NOT_PAID.keys())
    if refusal == PAYER_MISSING and _envelope_status(exchange) != "400":
        return UNKNOWN
    return refusal_meaning(refusal, words(exchange)) if refusal else UNKNOWN


def refund_meaning(exchange: Exchange, sent_before: bool) -> Meaning:
    """What the answer to a refund says: its transaction's status alone tells a success (8)."""
    found = codes(exchange)
    if _is_refused_by_http(exchange):
        return NOT_PROCESSED
    if found & AMBIGUOUS:
        return UNKNOWN
    if found & INVALID_REQUEST:
        return MISCONFIGURED
    status = transaction_status(exchange)
    if status:
        return (Outcome.SUCCEEDED, None) if status == TAKEN else UNKNOWN
    if _refusal_among(exchange, NO_SUCH_TRANSACTION) and not sent_before:
        return (Outcome.FAILED, Reason.NOT_FOUND)
    return UNKNOWN


def disbursement_meaning(exchange: Exchange) -> Meaning:
    """What the answer to a disbursement says: its status and its code, which must agree (9, 12)."""
    found = codes(exchange)
    if exchange.status == 429 or _is_refused_by_http(exchange):
        return NOT_PROCESSED
    if found & (AMBIGUOUS | TRANSFER_AMBIGUOUS) or found - LISTED:
        return UNKNOWN
    told = _told(exchange)
    if found & TRANSFER_INVALID:
        return MISCONFIGURED if told in (None, Outcome.FAILED) else UNKNOWN
    if found & TRANSFER_REFUSALS.keys():
        refusal = _refusal_among(exchange, TRANSFER_REFUSALS.keys())
        is_agreed = bool(refusal) and told in (None, Outcome.FAILED)
        return transfer_refusal_meaning(refusal, words(exchange)) if is_agreed else UNKNOWN
    if not exchange.is_ok or _envelope_status(exchange) not in ("", "200"):
        return UNKNOWN
    return _transaction_meaning(exchange) if told else _meaning_of_code(found)


def enquiry_meaning(exchange: Exchange) -> Meaning:
    """What an enquiry says of a disbursement. Only the transaction's own status decides: a code
    without one may be about the enquiry itself.
    """
    found = codes(exchange)
    if found & (AMBIGUOUS | TRANSFER_AMBIGUOUS) or found - LISTED:
        return UNKNOWN
    refusal = next(iter(found & TRANSFER_REFUSALS.keys()), "")
    if refusal and _told(exchange) == Outcome.FAILED:
        return transfer_refusal_meaning(refusal, transaction_words(exchange))
    return UNKNOWN if refusal else _transaction_meaning(exchange)


def _transaction_meaning(exchange: Exchange) -> Meaning:
    """What the transaction's status says, unless the code beside it says the opposite."""
    told, found = _told(exchange), codes(exchange)
    if told == Outcome.SUCCEEDED:
        return (told, None)  # whatever the code: copies of the document differ in it (6)
    if told == Outcome.PENDING:
        return UNKNOWN if found & TRANSFER_SUCCEEDED else PENDING
    if told == Outcome.FAILED and not found & (TRANSFER_SUCCEEDED | TRANSFER_PENDING):
        return status_meaning(transaction_status(exchange), transaction_words(exchange))
    return UNKNOWN


def _meaning_of_code(found: frozenset[str]) -> Meaning:
    if found & TRANSFER_SUCCEEDED:
        return (Outcome.SUCCEEDED, None)
    return PENDING if found & TRANSFER_PENDING else UNKNOWN


def _told(exchange: Exchange) -> Outcome | None:
    """What the transaction's status alone says; None where it is missing or a mere SUCCESS."""
    status = transaction_status(exchange)
    return None if status in ("", TAKEN) else STATUSES.get(status, Outcome.UNKNOWN)


def balance(exchange: Exchange) -> int | None:
    """The float in whole TZS, wherever in the data it stands; None where it cannot be read (10)."""
    return _balance_in(member(exchange.json, "data")) if exchange.is_ok else None


def holder_name(exchange: Exchange) -> str | None:
    """A number's holder, as the KYC call tells; None where it does not (10)."""
    if not exchange.is_ok:
        return None
    data = member(exchange.json, "data")
    parts = (identifier(member(data, name)) for name in ("first_name", "last_name"))
    return " ".join(part for part in parts if part)[:NAME_CHARACTERS_MAX] or None


def _is_refused_by_http(exchange: Exchange) -> bool:
    return exchange.status in NOT_PROCESSED_STATUSES and not codes(exchange)


def _is_accepted(exchange: Exchange, found: frozenset[str]) -> bool:
    return (
        exchange.is_ok
        and _says_success(exchange)
        and _envelope_status(exchange) in ("", "200")
        and found <= ACCEPTED
    )


def _refusal_among(exchange: Exchange, refusals: Set[str]) -> str:
    """The code of a refusal, "" where the answer could also be trouble at Airtel's (5)."""
    if exchange.status == 408 or exchange.status >= 500 or _says_success(exchange):
        return ""
    is_trouble = _envelope_status(exchange).startswith("5")
    return "" if is_trouble else next(iter(codes(exchange) & refusals), "")


def _says_success(exchange: Exchange) -> bool:
    return str(member(exchange.json, "status", "success")).lower() == "true"


def _envelope_status(exchange: Exchange) -> str:
    return identifier(member(exchange.json, "status", "code"))


def _balance_in(value: Any) -> int | None:
    """The first member called balance in nested data that is a number of shillings."""
    if isinstance(value, list):
        return next((found for item in value if (found := _balance_in(item)) is not None), None)
    if not isinstance(value, dict):
        return None
    match = BALANCE.fullmatch(str(value.get("balance", "")).strip().replace(",", ""))
    return int(match[1]) if match else _balance_in(list(value.values()))
