"""Calls M-Pesa in the shape of Daraja: OAuth 2, STK push and its query (M-Pesa fact sheet, 2)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

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
from payments.providers.mpesa_daraja import callbacks
from payments.providers.mpesa_daraja.codes import (
    DEAD_TOKEN,
    PENDING,
    THROTTLED,
    UNKNOWN,
    Meaning,
    push_error_meaning,
    query_error_meaning,
    result_meaning,
)
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.providers.wire import identifier, member

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105 - a path
PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"
EAST_AFRICA_TIME = timezone(timedelta(hours=3))
DESCRIPTION_CHARACTERS_MAX = 13
BUY_GOODS = "CustomerBuyGoodsOnline"


class MpesaDaraja:
    """One M-Pesa account. Nothing here is idempotent: each push is another prompt (2.2)."""

    def __init__(self, config: MpesaDarajaConfig, tokens: TokenStore) -> None:
        self.description = Description(
            provider="vodacom_mpesa",
            dialect="mpesa_daraja",
            name="M-Pesa",
            amount_min=config.amount_min,
            amount_max=config.amount_max,
            can_query=True,
            query_without_handle=False,
            first_query_seconds=15,
            not_found_grace_seconds=None,  # this dialect never says "not found"
        )
        self._config = config
        self._http = ProviderHttp(config.base_url, config.http)
        self._calls = AuthorisedHttp(
            self._http,
            tokens,
            name=token_name("mpesa_daraja", config.base_url, config.consumer_key),
            rules=TokenRules(
                fetch=self._fetch_token,
                lifetime_seconds=3599,
                is_dead=lambda exchange: _error_code(exchange) in DEAD_TOKEN,
            ),
        )

    def collect(self, request: Collection) -> Answer:
        """Prompt the customer's phone; accepted is PENDING, with the CheckoutRequestID."""
        config = self._config
        is_till = config.transaction_type == BUY_GOODS and config.till_number
        body = {
            **self._signed(),
            "TransactionType": config.transaction_type,
            "Amount": request.amount,
            "PartyA": request.msisdn,
            "PartyB": config.till_number if is_till else config.business_shortcode,
            "PhoneNumber": request.msisdn,
            "CallBackURL": f"{config.callback_url.rstrip('/')}/{request.callback_token}",
            "AccountReference": request.reference,
            "TransactionDesc": request.description[:DESCRIPTION_CHARACTERS_MAX],
        }
        try:
            exchange = self._calls.call("POST", PUSH_PATH, json_body=body)
        except CallFailed as failure:
            return failure.collect_answer()
        return _answer(exchange, _push_meaning(exchange), "ResponseCode", "ResponseDescription")

    def query(self, question: StatusQuestion) -> Answer:
        """Ask by CheckoutRequestID, the only key there is; a success comes without its receipt."""
        handle = question.provider_reference
        if not handle:
            return Answer(
                outcome=Outcome.UNKNOWN,
                message="M-Pesa cannot be asked: the CheckoutRequestID was lost",
            )
        body = {**self._signed(), "CheckoutRequestID": handle}
        try:
            exchange = self._calls.call("POST", QUERY_PATH, json_body=body)
        except CallFailed as failure:
            return failure.query_answer()
        return _answer(exchange, _query_meaning(exchange, handle), "ResultCode", "ResultDesc")

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(body, headers)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return callbacks.acknowledge()

    def health(self) -> Health:
        return self._calls.health()

    def _signed(self) -> dict[str, str]:
        """What proves that we are the short code: the password is made of the very timestamp."""
        code = self._config.business_shortcode
        timestamp = datetime.now(UTC).astimezone(EAST_AFRICA_TIME).strftime("%Y%m%d%H%M%S")
        password = b64encode(f"{code}{self._config.passkey}{timestamp}".encode()).decode()
        return {"BusinessShortCode": code, "Password": password, "Timestamp": timestamp}

    def _fetch_token(self) -> Exchange:
        pair = f"{self._config.consumer_key}:{self._config.consumer_secret}"
        return self._http.call(
            "GET",
            TOKEN_PATH,
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"},
            params={"grant_type": "client_credentials"},
        )


def _error_code(exchange: Exchange) -> str:
    return identifier(member(exchange.json, "errorCode"))


def _push_meaning(exchange: Exchange) -> Meaning:
    if exchange.status == 429:
        return THROTTLED
    if code := _error_code(exchange):
        return push_error_meaning(code, exchange.words("errorMessage"))
    is_accepted = exchange.is_ok and identifier(member(exchange.json, "ResponseCode")) == "0"
    return PENDING if is_accepted else UNKNOWN


def _query_meaning(exchange: Exchange, handle: str) -> Meaning:
    """The result counts only when the query itself worked, and for the push that was asked for."""
    if code := _error_code(exchange):
        return query_error_meaning(code, exchange.words("errorMessage"))
    is_answered = exchange.is_ok and identifier(member(exchange.json, "ResponseCode")) == "0"
    if not is_answered or member(exchange.json, "CheckoutRequestID") not in (None, handle):
        return UNKNOWN
    return result_meaning(identifier(member(exchange.json, "ResultCode")))


def _answer(exchange: Exchange, meaning: Meaning, code_name: str, words_name: str) -> Answer:
    outcome, reason = meaning
    error_code = _error_code(exchange)
    return Answer(
        outcome=outcome,
        reason=reason,
        code=error_code or identifier(member(exchange.json, code_name)),
        message=exchange.words("errorMessage") if error_code else exchange.words(words_name),
        provider_reference=identifier(member(exchange.json, "CheckoutRequestID")),
        request=exchange.request,
        response=exchange.response,
    )
