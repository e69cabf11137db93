"""Calls Airtel Money's collection API (Airtel fact sheet, 2, 3, 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from payments.providers.airtel_money import callbacks
from payments.providers.airtel_money.codes import (
    ACCEPTED,
    AMBIGUOUS,
    INVALID_REQUEST,
    MISCONFIGURED,
    NOT_FOUND,
    NOT_PAID,
    NOT_PROCESSED,
    NOT_PROCESSED_STATUSES,
    PAYER_MISSING,
    PENDING,
    UNKNOWN,
    Meaning,
    esb,
    refusal_meaning,
    status_meaning,
)
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.authorised import AuthorisedHttp, TokenRules, token_name
from payments.providers.base import (
    Acknowledgement,
    Answer,
    Collection,
    Description,
    Health,
    Notice,
    Outcome,
    StatusQuestion,
)
from payments.providers.http import CallFailed, Exchange, ProviderHttp, TokenStore
from payments.providers.wire import identifier, member

TOKEN_PATH = "/auth/oauth2/token"  # noqa: S105 - a path
ENQUIRY_PATH = "/standard/v1/payments/"
COUNTRY_CODE = "255"


class AirtelMoney:
    """One application with Airtel. Our reference is the transaction id, unique for ever (3.2)."""

    def __init__(self, config: AirtelMoneyConfig, tokens: TokenStore) -> None:
        self.description = Description(
            provider="airtel_money",
            dialect="airtel_money",
            name="Airtel Money",
            amount_min=config.amount_min,
            amount_max=config.amount_max,
            can_query=True,
            query_without_handle=True,
            first_query_seconds=180,
            not_found_grace_seconds=None,  # the sheet leaves it to a person
            signs_callbacks=bool(config.callback_key),
        )
        self._config = config
        self._http = ProviderHttp(config.base_url, config.http)
        self._calls = AuthorisedHttp(
            self._http,
            tokens,
            name=token_name("airtel_money", config.base_url, config.client_id),
            rules=TokenRules(fetch=self._fetch_token, lifetime_seconds=180, is_dead=_token_is_dead),
        )

    def collect(self, request: Collection) -> Answer:
        """Prompt the customer's phone. Airtel's SUCCESS means that the prompt went out: PENDING."""
        place = {"country": self._config.country, "currency": self._config.currency}
        body = {
            "reference": request.reference,
            "subscriber": {**place, "msisdn": request.msisdn.removeprefix(COUNTRY_CODE)},
            "transaction": {"amount": request.amount, **place, "id": request.reference},
        }
        path = f"/merchant/v{self._config.collection_version}/payments/"
        try:
            exchange = self._calls.call("POST", path, headers=self._headers(), json_body=body)
        except CallFailed as failure:
            return failure.collect_answer()
        outcome, reason = _payment_meaning(exchange)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=_code(exchange),
            message=_words(exchange),
            request=exchange.request,
            response=exchange.response,
        )

    def query(self, question: StatusQuestion) -> Answer:
        """Ask by our reference. Only the transaction's own status decides (6)."""
        path = ENQUIRY_PATH + quote(question.reference, safe="")
        try:
            exchange = self._calls.call("GET", path, headers=self._headers())
        except CallFailed as failure:
            return failure.query_answer()
        transaction = member(exchange.json, "data", "transaction")
        status = identifier(member(transaction, "status")) if exchange.is_ok else ""
        words = exchange.words("data", "transaction", "message") or _words(exchange)
        outcome, reason = status_meaning(status, words)
        has_receipt = outcome == Outcome.SUCCEEDED  # elsewhere the id means nothing (6)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=status or _code(exchange),
            message=words,
            receipt=identifier(member(transaction, "airtel_money_id")) if has_receipt else "",
            not_found=not status and _is_not_found(exchange),
            request=exchange.request,
            response=exchange.response,
        )

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(self._config, body, headers)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return callbacks.acknowledge()

    def health(self) -> Health:
        return self._calls.health()

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "X-Country": self._config.country,
            "X-Currency": self._config.currency,
        }

    def _fetch_token(self) -> Exchange:
        body = {
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret,
            "grant_type": "client_credentials",
        }
        return self._http.call("POST", TOKEN_PATH, headers={"Accept": "*/*"}, json_body=body)


def _codes(exchange: Exchange) -> frozenset[str]:
    """Every code of the answer: the envelope's two, and a router's, which has another shape (3)."""
    status = member(exchange.json, "status")
    found = {
        identifier(member(status, "response_code")),
        esb(identifier(member(status, "result_code"))),
        identifier(member(exchange.json, "status_code")),
    }
    return frozenset(found - {""})


def _code(exchange: Exchange) -> str:
    """The code to show: the most telling one that there is."""
    status = member(exchange.json, "status")
    candidates = (
        member(status, "response_code"),
        member(status, "result_code"),
        member(exchange.json, "status_code"),
        member(exchange.json, "error"),
    )
    return next((code for value in candidates if (code := identifier(value))), "")


def _words(exchange: Exchange) -> str:
    return (
        exchange.words("status", "message")
        or exchange.words("status_message")
        or exchange.words("error_description")
    )


def _token_is_dead(exchange: Exchange) -> bool:
    """The code varies between copies of the documents, 401 or 403; the body does not (2)."""
    says_so = member(exchange.json, "error") == "invalid_token" and exchange.status < 500
    return says_so or (exchange.status == 401 and not _codes(exchange))


def _payment_meaning(exchange: Exchange) -> Meaning:
    codes = _codes(exchange)
    if exchange.status == 429 or (not codes and exchange.status in NOT_PROCESSED_STATUSES):
        return NOT_PROCESSED
    if codes & AMBIGUOUS:
        return UNKNOWN
    if codes & INVALID_REQUEST:
        return MISCONFIGURED
    if _is_accepted(exchange, codes):
        return PENDING
    refusal = _not_paid_code(exchange, codes)
    return refusal_meaning(refusal, _words(exchange)) if refusal else UNKNOWN


def _is_accepted(exchange: Exchange, codes: frozenset[str]) -> bool:
    return (
        exchange.is_ok
        and _says_success(exchange)
        and _envelope_status(exchange) in ("", "200")
        and codes <= ACCEPTED
    )


def _not_paid_code(exchange: Exchange, codes: frozenset[str]) -> str:
    """The code of a refusal, "" where the answer could also be trouble at Airtel's (5)."""
    if exchange.status == 408 or exchange.status >= 500 or _says_success(exchange):
        return ""
    envelope = _envelope_status(exchange)
    code = next(iter(codes & NOT_PAID.keys()), "")
    is_trouble = envelope.startswith("5") or (code == PAYER_MISSING and envelope != "400")
    return "" if is_trouble else code


def _says_success(exchange: Exchange) -> bool:
    return str(member(exchange.json, "status", "success")).lower() == "true"


def _envelope_status(exchange: Exchange) -> str:
    return identifier(member(exchange.json, "status", "code"))


def _is_not_found(exchange: Exchange) -> bool:
    has_information = exchange.status < 500 and exchange.status != 429
    return has_information and bool(_codes(exchange) & NOT_FOUND)
