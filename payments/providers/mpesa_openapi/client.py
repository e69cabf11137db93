"""Calls Vodacom Tanzania's M-Pesa Open API: sessions, C2B, B2C, reversal, status (M-Pesa fact sheet, 1)."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cached_property
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payments.providers.authorised import TokenRefused, TokenRules, token_name
from payments.providers.base import (
    Acknowledgement,
    Answer,
    Collection,
    Description,
    Disbursement,
    Health,
    Lookup,
    Notice,
    Outcome,
    Refund,
    Reversal,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import (
    READ_SECONDS,
    CallFailed,
    Exchange,
    NotSent,
    ProviderHttp,
    TokenStore,
)
from payments.providers.mpesa_openapi import callbacks
from payments.providers.mpesa_openapi.callbacks import given
from payments.providers.mpesa_openapi.codes import (
    ACCEPTED,
    DONE,
    DUPLICATE,
    LISTED,
    NOT_FOUND,
    REFUSALS,
    SPENT_SESSION,
    THROTTLED,
    UNKNOWN,
    Meaning,
    payment_meaning,
    status_meaning,
)
from payments.providers.mpesa_openapi.config import MpesaOpenApiConfig, read_public_key
from payments.providers.mpesa_openapi.sessions import SessionHttp
from payments.providers.wire import identifier, member, text

COUNTRY = "TZN"  # not ISO's TZ (1.1)
CURRENCY = "TZS"
ECHO = "output_ThirdPartyConversationID"
PIN_SECONDS = 150  # a paid answer can take longer than the 66 s of an unanswered prompt (trap 1)
ITEMS_CHARACTERS_MAX = 256


class MpesaOpenApi:
    """One application with Vodacom. Our reference is the conversation id: unique, and queryable."""

    def __init__(
        self,
        config: MpesaOpenApiConfig,
        tokens: TokenStore,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.description = Description(
            provider="vodacom_mpesa",
            dialect="mpesa_openapi",
            name="M-Pesa",
            amount_min=config.amount_min,
            amount_max=config.amount_max,
            can_query=True,
            query_without_handle=True,
            first_query_seconds=15,
            not_found_grace_seconds=300,
            reversal=Reversal.PART,
            disburses=True,
            can_query_disbursement=True,
            can_query_reversal=True,
        )
        self._config = config
        self._http = ProviderHttp(config.base_url, config.http)
        self._calls = SessionHttp(
            self._http,
            tokens,
            name=token_name(
                "mpesa_openapi", config.base_url, config.env, config.market, config.api_key
            ),
            rules=TokenRules(
                fetch=self._fetch_session,
                lifetime_seconds=config.session_seconds,
                is_dead=_wants_a_new_session,
                credential=self._encrypted,
                read=_session_id,
            ),
            delay_seconds=config.session_delay_seconds,
            clock=clock,
            sleep=sleep,
        )

    def collect(self, request: Collection) -> Answer:
        """Prompt the customer's phone. In synchronous mode the answer comes after the PIN."""
        is_sync = self._config.mode == "sync"
        body = {
            **self._payment(request.reference, request.amount, request.msisdn),
            "input_PurchasedItemsDesc": _items(request.description, request.reference),
        }
        return self._move_money(
            "POST",
            "c2bPayment/singleStage/",
            body,
            read_seconds=PIN_SECONDS if is_sync else READ_SECONDS,
        )

    def query(self, question: StatusQuestion) -> Answer:
        """Ask by our reference. Only the transaction's own status decides (1.6)."""
        return self._ask(question.reference)

    def refund(self, request: Refund) -> Answer:
        """Reverse all or a part of a collection. The amount is always named: a part is a part."""
        body = {
            "input_TransactionID": request.receipt,
            "input_ReversalAmount": str(request.amount),
            **self._conversation(request.reference),
        }
        return self._move_money("PUT", "reversal/", body)

    def disburse(self, request: Disbursement) -> Answer:
        """Send money to a phone, without a second stage and without a PIN (1.5)."""
        body = {
            **self._payment(request.reference, request.amount, request.msisdn),
            "input_PaymentItemsDesc": _items(request.description, request.reference),
        }
        return self._move_money("POST", "b2cPayment/", body)

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        """Ask by the transfer's own reference: a reversal is a transaction like any other."""
        return self._ask(
            question.reference, is_reversal=question.is_reversal, original_receipt=question.receipt
        )

    def balance(self) -> Lookup:
        """Not offered."""
        return Lookup()

    def holder(self, msisdn: str) -> Lookup:
        """Not offered in Tanzania (1.7)."""
        return Lookup()

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(body)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return callbacks.acknowledge(body)

    def health(self) -> Health:
        return self._calls.health()

    def _conversation(self, reference: str) -> dict[str, str]:
        return {
            "input_ThirdPartyConversationID": reference,
            "input_ServiceProviderCode": self._config.service_provider_code,
            "input_Country": COUNTRY,
        }

    def _payment(self, reference: str, amount: int, msisdn: str) -> dict[str, str]:
        return {
            "input_Amount": str(amount),
            "input_Currency": CURRENCY,
            "input_CustomerMSISDN": msisdn,
            "input_TransactionReference": reference,
            **self._conversation(reference),
        }

    def _move_money(
        self,
        method: str,
        call: str,
        body: dict[str, str],
        *,
        read_seconds: float = READ_SECONDS,
    ) -> Answer:
        try:
            exchange = self._calls.call(
                method,
                self._path(call),
                headers=self._headers(),
                json_body=body,
                read_seconds=read_seconds,
            )
        except TokenRefused as refusal:
            return _refused_answer(refusal)
        except CallFailed as failure:
            return failure.collect_answer()
        return _money_answer(exchange, body["input_ThirdPartyConversationID"])

    def _ask(
        self, reference: str, *, is_reversal: bool = False, original_receipt: str = ""
    ) -> Answer:
        """One status query. What it says of being reversed is about the payment, not its reversal."""
        params = {"input_QueryReference": reference, **self._conversation(uuid4().hex)}
        try:
            exchange = self._calls.call(
                "GET",
                self._path("queryTransactionStatus/"),
                headers=self._headers(),
                params=params,
            )
        except CallFailed as failure:
            return failure.query_answer()
        return _status_answer(exchange, is_reversal, original_receipt)

    def _path(self, call: str) -> str:
        return f"/{self._config.env}/ipg/v2/{self._config.market}/{call}"

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Origin": self._config.origin}

    def _fetch_session(self) -> Exchange:
        authorization = {"Authorization": f"Bearer {self._encrypted(self._config.api_key)}"}
        return self._http.call(
            "GET", self._path("getSession/"), headers={**authorization, **self._headers()}
        )

    def _encrypted(self, secret: str) -> str:
        """The bearer for an API key or a session id; another one each time, as the padding is random.

        Raises NotSent: without the key there is no call.
        """
        try:
            sealed = self._public_key.encrypt(secret.encode(), PKCS1v15())
        except ValueError as error:
            raise NotSent(f"the public key cannot be used: {error}", {}) from error
        return b64encode(sealed).decode()

    @cached_property
    def _public_key(self) -> RSAPublicKey:
        """Read at the first call: a client is built without credentials too, for old attempts."""
        return read_public_key(self._config.public_key)


def _items(description: str, reference: str) -> str:
    """Letters, digits and single spaces: even a hyphen is refused (1.3)."""
    words = re.sub(r"[^0-9A-Za-z]+", " ", description).strip()
    return words[:ITEMS_CHARACTERS_MAX].strip() or reference


def _code(exchange: Exchange) -> str:
    return identifier(member(exchange.json, "output_ResponseCode"))


def _session_id(exchange: Exchange) -> object:
    is_opened = exchange.status == 200 and _code(exchange) == DONE
    return member(exchange.json, "output_SessionID") if is_opened else None


def _wants_a_new_session(exchange: Exchange) -> bool:
    """Dead, not live yet, or spent: nothing was processed. A 401 with a code is an answer (trap 5)."""
    code = _code(exchange)
    return code in SPENT_SESSION or (not code and exchange.status in (401, 403))


def _refused_answer(refusal: TokenRefused) -> Answer:
    """Not sent, unless a second session has spent the limits too: then it is over."""
    body = member(refusal.response, "body")
    code = identifier(member(body, "output_ResponseCode"))
    if code not in SPENT_SESSION:
        return refusal.collect_answer()
    outcome, reason = REFUSALS[code]
    return Answer(
        outcome=outcome,
        reason=reason,
        code=code,
        message=text(member(body, "output_ResponseDesc")),
        request=refusal.request,
        response=refusal.response,
    )


def _money_answer(exchange: Exchange, reference: str) -> Answer:
    code = _code(exchange)
    receipt = given(member(exchange.json, "output_TransactionID"))
    outcome, reason = _money_meaning(exchange, reference, receipt)
    # The conversation of a refused duplicate is its own, not that of the request which was taken.
    handle = "" if code == DUPLICATE else given(member(exchange.json, "output_ConversationID"))
    return Answer(
        outcome=outcome,
        reason=reason,
        code=code,
        message=exchange.words("output_ResponseDesc"),
        receipt=receipt if outcome == Outcome.SUCCEEDED else "",
        provider_reference=handle,
        is_unlisted=bool(code) and code not in LISTED,
        request=exchange.request,
        response=exchange.response,
    )


def _money_meaning(exchange: Exchange, reference: str, receipt: str) -> Meaning:
    code = _code(exchange)
    if not code and exchange.status == 429:
        return THROTTLED
    is_about_another = given(member(exchange.json, ECHO)) not in ("", reference)
    if is_about_another or (code in ACCEPTED and not exchange.is_ok):
        return UNKNOWN
    return payment_meaning(code, receipt)


def _status_answer(exchange: Exchange, is_reversal: bool, original_receipt: str) -> Answer:
    """INS-0 says that the query worked, and nothing of the payment (trap 7)."""
    code = _code(exchange)
    if not (exchange.is_ok and code == DONE):
        return Answer(
            outcome=Outcome.UNKNOWN,
            code=code,
            message=exchange.words("output_ResponseDesc"),
            not_found=code in NOT_FOUND,
            is_unlisted=bool(code) and code not in LISTED | NOT_FOUND,
            request=exchange.request,
            response=exchange.response,
        )
    answer = exchange.json or {}
    # The portal's names first; one client reads others (1.6).
    status = identifier(
        answer.get("output_ResponseTransactionStatus", answer.get("output_TransactionStatus"))
    )
    receipt = given(answer.get("output_OriginalTransactionID", answer.get("output_TransactionID")))
    outcome, reason = status_meaning(status, "" if is_reversal else _reversed_word(exchange))
    has_receipt = outcome == Outcome.SUCCEEDED and receipt != original_receipt
    return Answer(
        outcome=outcome,
        reason=reason,
        code=status or code,
        message=exchange.words("output_ResponseDesc"),
        receipt=receipt if has_receipt else "",
        is_unlisted=outcome == Outcome.UNKNOWN,  # the listed ones all say something
        request=exchange.request,
        response=exchange.response,
    )


def _reversed_word(exchange: Exchange) -> str:
    """`true`, `false`, or "" where it is not told; the documented value is the string "True"."""
    value = member(exchange.json, "output_Reversed")
    word = "" if value is None else str(value).strip().lower()
    return "" if word == "n/a" else word
