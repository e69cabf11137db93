"""Calls M-Pesa in the shape of Daraja: OAuth 2, STK push, disbursement, reversal, their status.

Sections are those of the M-Pesa fact sheet, dialect 2.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from payments.providers.authorised import AuthorisedHttp, TokenRules, token_name
from payments.providers.base import (
    Acknowledgement,
    Answer,
    BillDecision,
    BillQuestion,
    Collection,
    Description,
    Disbursement,
    Health,
    Lookup,
    Notice,
    Outcome,
    Reason,
    ReceiptQuestion,
    Refund,
    Reversal,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import CallFailed, Exchange, ProviderHttp, TokenStore
from payments.providers.mpesa_daraja import bills, callbacks, receipts
from payments.providers.mpesa_daraja.codes import (
    DEAD_TOKEN,
    PENDING,
    SUCCEEDED,
    THROTTLED,
    UNKNOWN,
    Meaning,
    disbursement_error_meaning,
    push_error_meaning,
    query_error_meaning,
    registration_error_meaning,
    result_meaning,
    unexplained,
)
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.providers.mpesa_daraja.initiator import Initiator, initiator
from payments.providers.wire import identifier, member

TOKEN_PATH = "/oauth/v1/generate"  # noqa: S105 - a path
PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"
DISBURSEMENT_PATH = "/mpesa/b2c/v3/paymentrequest"
REVERSAL_PATH = "/mpesa/reversal/v1/request"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
REGISTRATION_PATH = "/mpesa/c2b/v2/registerurl"
EAST_AFRICA_TIME = timezone(timedelta(hours=3))
DESCRIPTION_CHARACTERS_MAX = 13
REMARKS_CHARACTERS_MAX = 100
SHORT_CODE_TYPE = "4"  # who asks for a status
REVERSED_BY_TYPE = "11"  # who gives a reversed payment back
BUY_GOODS = "CustomerBuyGoodsOnline"

ErrorMeaning = Callable[[str, str], Meaning]


class MpesaDaraja:
    """One M-Pesa account.

    Only a disbursement is idempotent, by its reference; each push is another prompt (2.2, 2.6).
    """

    def __init__(self, config: MpesaDarajaConfig, tokens: TokenStore) -> None:
        self._initiator = initiator(config)
        has_initiator = self._initiator is not None
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
            can_query_receipt=has_initiator,
            reversal=Reversal.PART if has_initiator else Reversal.NONE,
            disburses=has_initiator,
            can_query_disbursement=has_initiator,
            can_query_reversal=has_initiator,
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
        meaning = _order_meaning(exchange, push_error_meaning)
        return _answer(exchange, meaning, handle="CheckoutRequestID")

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
        return _answer(
            exchange,
            _query_meaning(exchange, handle),
            handle="CheckoutRequestID",
            code="ResultCode",
            words="ResultDesc",
        )

    def refund(self, request: Refund) -> Answer:
        """Have a collection, or a part of it, reversed; accepted is PENDING (2.7)."""
        if self._initiator is None:
            return _no_initiator()
        body = {
            "Initiator": self._initiator.name,
            "SecurityCredential": self._initiator.credential,
            "CommandID": "TransactionReversal",
            "TransactionID": request.receipt,
            "Amount": request.amount,
            "ReceiverParty": self._config.business_shortcode,
            "RecieverIdentifierType": REVERSED_BY_TYPE,
            "Remarks": request.description[:REMARKS_CHARACTERS_MAX],
            **self._result_urls(request.callback_token),
        }
        return self._order(REVERSAL_PATH, body, push_error_meaning)

    def disburse(self, request: Disbursement) -> Answer:
        """Send money from the short code to a phone; accepted is PENDING (2.6)."""
        if self._initiator is None:
            return _no_initiator()
        body = {
            "OriginatorConversationID": request.reference,
            "InitiatorName": self._initiator.name,
            "SecurityCredential": self._initiator.credential,
            "CommandID": "BusinessPayment",
            "Amount": request.amount,
            "PartyA": self._config.business_shortcode,
            "PartyB": request.msisdn,
            "Remarks": request.description[:REMARKS_CHARACTERS_MAX],
            "Occassion": request.reference,
            **self._result_urls(request.callback_token),
        }
        return self._order(DISBURSEMENT_PATH, body, disbursement_error_meaning)

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        """Have the status told to the transfer's result URL; PENDING when that is promised.

        A disbursement is known by our reference, a reversal only by the ConversationID (2.7).
        """
        original = question.provider_reference if question.is_reversal else question.reference
        if self._initiator is None or not original:
            lost = "ConversationID was lost" if self._initiator else "initiator is not set up"
            return Answer(outcome=Outcome.UNKNOWN, message=f"M-Pesa cannot be asked: the {lost}")
        return self._ask_status(
            self._initiator,
            {"OriginalConversationID": original, "Occasion": question.reference},
            question.callback_token,
        )

    def query_receipt(self, question: ReceiptQuestion) -> Answer:
        """Have told to the result URL what a receipt is of; PENDING when that is promised (2.7)."""
        if self._initiator is None:
            return _no_initiator()
        return self._ask_status(
            self._initiator,
            {"TransactionID": question.receipt, "Occasion": "Receipt"},
            question.callback_token,
        )

    def read_receipt(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        return receipts.read_receipt(body)

    def balance(self) -> Lookup:
        return Lookup()

    def holder(self, msisdn: str) -> Lookup:
        return Lookup()

    def register_urls(self) -> Answer:
        """Tell M-Pesa where to ask about and confirm customer-initiated payments; once in production.

        SUCCEEDED when it took them. "Cancelled": while we do not answer, customers keep their money.
        """
        body = {
            "ShortCode": self._config.business_shortcode,
            "ResponseType": "Cancelled",
            "ConfirmationURL": self._config.confirmation_address,
            "ValidationURL": self._config.validation_address,
        }
        try:
            exchange = self._calls.call("POST", REGISTRATION_PATH, json_body=body)
        except CallFailed as failure:
            return failure.collect_answer()
        meaning = _reply_meaning(exchange, registration_error_meaning, SUCCEEDED)
        return _answer(exchange, meaning)

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(body, headers)

    def read_question(self, body: bytes, headers: Mapping[str, str]) -> BillQuestion:
        return bills.read_validation(body)

    def answer_question(
        self, question: BillQuestion | None, decision: BillDecision
    ) -> Acknowledgement:
        return bills.answer_validation(decision)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return callbacks.acknowledge()

    def health(self) -> Health:
        return self._calls.health()

    def _order(self, path: str, body: Mapping[str, Any], error_meaning: ErrorMeaning) -> Answer:
        """Order outgoing money; how it went comes by callback."""
        try:
            exchange = self._calls.call("POST", path, json_body=body)
        except CallFailed as failure:
            return failure.collect_answer()
        return _answer(exchange, _order_meaning(exchange, error_meaning), handle="ConversationID")

    def _ask_status(
        self, initiator: Initiator, names: Mapping[str, str], callback_token: str
    ) -> Answer:
        body = {
            "Initiator": initiator.name,
            "SecurityCredential": initiator.credential,
            "CommandID": "TransactionStatusQuery",
            "PartyA": self._config.business_shortcode,
            "IdentifierType": SHORT_CODE_TYPE,
            "Remarks": "Status",
            **names,
            **self._result_urls(callback_token),
        }
        try:
            exchange = self._calls.call("POST", STATUS_PATH, json_body=body)
        except CallFailed as failure:
            return failure.query_answer()
        # Without a handle: the ConversationID in this answer is the question's own.
        return _answer(exchange, _reply_meaning(exchange, query_error_meaning, PENDING))

    def _result_urls(self, callback_token: str) -> dict[str, str]:
        return {
            "ResultURL": self._config.result_address(callback_token),
            "QueueTimeOutURL": self._config.timeout_address(callback_token),
        }

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


def _no_initiator() -> Answer:
    return Answer(
        outcome=Outcome.NOT_SENT,
        reason=Reason.CONFIGURATION,
        message="M-Pesa's initiator is not set up",
    )


def _order_meaning(exchange: Exchange, error_meaning: ErrorMeaning) -> Meaning:
    """What the answer to a request for moving money says."""
    if exchange.status == 429:
        return THROTTLED
    return _reply_meaning(exchange, error_meaning, PENDING)


def _reply_meaning(exchange: Exchange, error_meaning: ErrorMeaning, accepted: Meaning) -> Meaning:
    if code := _error_code(exchange):
        return error_meaning(code, exchange.words("errorMessage"))
    if not exchange.is_ok:
        return UNKNOWN
    code = identifier(member(exchange.json, "ResponseCode"))
    return accepted if code == "0" else unexplained(code)


def _query_meaning(exchange: Exchange, handle: str) -> Meaning:
    """The result counts only when the query itself worked, and for the push that was asked for."""
    if code := _error_code(exchange):
        return query_error_meaning(code, exchange.words("errorMessage"))
    is_answered = exchange.is_ok and identifier(member(exchange.json, "ResponseCode")) == "0"
    if not is_answered or member(exchange.json, "CheckoutRequestID") not in (None, handle):
        return UNKNOWN
    return result_meaning(identifier(member(exchange.json, "ResultCode")))


def _answer(
    exchange: Exchange,
    meaning: Meaning,
    *,
    handle: str = "",
    code: str = "ResponseCode",
    words: str = "ResponseDescription",
) -> Answer:
    """The meaning with what the answer's members of these names tell."""
    error_code = _error_code(exchange)
    return Answer(
        outcome=meaning.outcome,
        reason=meaning.reason,
        code=error_code or identifier(member(exchange.json, code)),
        message=exchange.words("errorMessage") if error_code else exchange.words(words),
        provider_reference=identifier(member(exchange.json, handle)) if handle else "",
        is_unlisted=meaning.is_unlisted,
        request=exchange.request,
        response=exchange.response,
    )
