"""Calls Tigo Pesa's push bill-pay (Tigo fact sheet, product A). Its result comes by callback only.

Disbursements and customer-initiated bills, products B and C, are files of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    Refund,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import CallFailed, Exchange, ProviderHttp, TokenStore
from payments.providers.tigo_pesa import bills, callbacks, disbursement
from payments.providers.tigo_pesa.codes import (
    LISTED_FOR_PUSH,
    NOT_PROCESSED,
    REFUSED_BEFORE_PROCESSING,
    UNKNOWN,
    Meaning,
    push_code_meaning,
)
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.providers.wire import identifier, member

UNCACHED = {"Cache-Control": "no-cache"}


class TigoPesa:
    """One biller's account."""

    def __init__(self, config: TigoPesaConfig, tokens: TokenStore) -> None:
        self.description = Description(
            provider="tigo_pesa",
            dialect="tigo_pesa",
            name="Tigo Pesa",
            amount_min=config.amount_min,
            amount_max=config.amount_max,
            can_query=False,
            query_without_handle=False,
            first_query_seconds=0,
            not_found_grace_seconds=None,
            disburses=bool(config.disburse_url and config.disburse_msisdn and config.disburse_pin),
        )
        self._config = config
        self._http = ProviderHttp(config.base_url, config.http)
        self._calls = AuthorisedHttp(
            self._http,
            tokens,
            name=token_name("tigo_pesa", config.base_url, config.token_path, config.api_key),
            rules=TokenRules(
                fetch=self._fetch_token,
                lifetime_seconds=600,  # the real life is not published
                is_dead=lambda exchange: exchange.status == 401 and not _code(exchange),
                scheme="bearer",
            ),
        )

    def collect(self, request: Collection) -> Answer:
        """Queue a prompt on the customer's phone; accepted is PENDING."""
        body = {
            "CustomerMSISDN": request.msisdn,
            "BillerMSISDN": self._config.biller_msisdn,
            "Amount": request.amount,
            "Remarks": request.description,
            "ReferenceID": f"{self._config.biller_code}{request.reference}",
        }
        # Besides the token, the credentials themselves go in the clear (A.2).
        headers = {
            **UNCACHED,
            "Username": self._config.api_key,
            "Password": self._config.secret,
        }
        try:
            exchange = self._calls.call(
                "POST", self._config.push_path, headers=headers, json_body=body
            )
        except CallFailed as failure:
            return failure.collect_answer()
        outcome, reason = _push_meaning(exchange, request.sent_before or exchange.is_repeat)
        code = _code(exchange)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=code,
            message=exchange.words("ResponseDescription") or exchange.words("Message"),
            is_unlisted=bool(code) and code not in LISTED_FOR_PUSH,
            request=exchange.request,
            response=exchange.response,
        )

    def query(self, question: StatusQuestion) -> Answer:
        """Always UNKNOWN: no status call exists (A.4)."""
        return Answer(outcome=Outcome.UNKNOWN, message="Tigo Pesa cannot be asked")

    def refund(self, request: Refund) -> Answer:
        """Never sent: how a push is reversed is not known for certain (A.4)."""
        return Answer(
            outcome=Outcome.NOT_SENT,
            reason=Reason.UNAVAILABLE,
            message="Tigo Pesa takes no payment back",
        )

    def disburse(self, request: Disbursement) -> Answer:
        if not self.description.disburses:
            return Answer(
                outcome=Outcome.NOT_SENT,
                reason=Reason.CONFIGURATION,
                message="Tigo Pesa has no disbursement account",
            )
        return disbursement.disburse(self._http, self._config, request)

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        """Always UNKNOWN: no status call exists (B)."""
        return Answer(outcome=Outcome.UNKNOWN, message="Tigo Pesa cannot be asked")

    def balance(self) -> Lookup:
        return Lookup()

    def holder(self, msisdn: str) -> Lookup:
        return Lookup()

    def read_question(self, body: bytes, headers: Mapping[str, str]) -> BillQuestion:
        return bills.read_question(body)

    def answer_question(
        self, question: BillQuestion | None, decision: BillDecision
    ) -> Acknowledgement:
        return bills.answer_question(question, decision)

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(body, headers, biller_code=self._config.biller_code)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        """By the question's own refusal where a bill's question came here and was not answered."""
        refusal = bills.refuse_unread(body)
        return refusal or callbacks.acknowledge(body, family=self._config.reply_family)

    def health(self) -> Health:
        return self._calls.health()

    def _fetch_token(self) -> Exchange:
        form = {
            "username": self._config.api_key,
            "password": self._config.secret,
            "grant_type": "password",
        }
        return self._http.call("POST", self._config.token_path, headers=UNCACHED, form=form)


def _code(exchange: Exchange) -> str:
    return identifier(member(exchange.json, "ResponseCode"))


def _push_meaning(exchange: Exchange, sent_before: bool) -> Meaning:
    code = _code(exchange)
    if not code:
        has_message = bool(exchange.words("Message"))
        is_refused = has_message and exchange.status in REFUSED_BEFORE_PROCESSING
        return NOT_PROCESSED if is_refused else UNKNOWN
    meaning = push_code_meaning(code, http_status=exchange.status, sent_before=sent_before)
    if _contradicts(member(exchange.json, "ResponseStatus"), meaning):
        return UNKNOWN
    return meaning


def _contradicts(status: object, meaning: Meaning) -> bool:
    """Whether ResponseStatus, a boolean or its name, says the opposite of the code."""
    said = str(status).lower()
    opposite = "false" if meaning[0] == Outcome.PENDING else "true"
    return meaning != UNKNOWN and said == opposite
