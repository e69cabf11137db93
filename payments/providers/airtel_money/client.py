"""Calls Airtel Money: collection, refund, disbursement, enquiries, look-ups (Airtel fact sheet)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from payments.providers.airtel_money import answers, callbacks
from payments.providers.airtel_money.codes import STATUSES, Meaning, status_meaning
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.airtel_money.encryption import PKCS1, encrypted, public_key
from payments.providers.airtel_money.signing import SignedCalls
from payments.providers.authorised import AuthorisedHttp, TokenRules, token_name
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
    Reason,
    Refund,
    Reversal,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import CallFailed, Exchange, ProviderHttp, TokenStore

TOKEN_PATH = "/auth/oauth2/token"  # noqa: S105 - a path
ENQUIRY_PATH = "/standard/v1/payments/"
BALANCE_PATH = "/standard/v1/users/balance"
HOLDER_PATH = "/standard/v1/users/"
DISBURSEMENT_PATHS = {
    "1": "/standard/v1/disbursements/",
    "2": "/standard/v2/disbursements/",
    "3": "/standard/v3/disbursements",
}
COUNTRY_CODE = "255"
TO_CUSTOMER = "B2C"
WALLET_TYPE = "NORMAL"


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
            reversal=Reversal.FULL,
            disburses=bool(config.disbursement_pin and config.public_key),
            can_query_disbursement=True,
            can_query_reversal=True,
        )
        self._config = config
        self._http = ProviderHttp(config.base_url, config.http)
        self._calls = AuthorisedHttp(
            self._http,
            tokens,
            name=token_name("airtel_money", config.base_url, config.client_id),
            rules=TokenRules(
                fetch=self._fetch_token, lifetime_seconds=180, is_dead=answers.token_is_dead
            ),
        )
        self._signed = SignedCalls(config, self._calls, tokens)

    def collect(self, request: Collection) -> Answer:
        """Prompt the customer's phone. Airtel's SUCCESS means that the prompt went out: PENDING."""
        place = {"country": self._config.country, "currency": self._config.currency}
        body = {
            "reference": request.reference,
            "subscriber": {**place, "msisdn": _national(request.msisdn)},
            "transaction": {"amount": request.amount, **place, "id": request.reference},
        }
        path = f"/merchant/v{self._config.collection_version}/payments/"
        try:
            exchange = self._signed.post(path, body, self._headers())
        except CallFailed as failure:
            return failure.collect_answer()
        outcome, reason = answers.payment_meaning(exchange)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=answers.code(exchange),
            message=answers.words(exchange),
            is_unlisted=bool(answers.unlisted_code(exchange)),
            request=exchange.request,
            response=exchange.response,
        )

    def query(self, question: StatusQuestion) -> Answer:
        """Ask by our reference. Only the transaction's own status decides (6)."""
        try:
            exchange = self._enquire(question.reference)
        except CallFailed as failure:
            return failure.query_answer()
        status = answers.transaction_status(exchange)
        words = answers.transaction_words(exchange)
        outcome, reason = status_meaning(status, words)
        has_receipt = outcome == Outcome.SUCCEEDED  # elsewhere the id means nothing (6)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=status or answers.code(exchange),
            message=words,
            receipt=answers.transaction_member(exchange, "airtel_money_id") if has_receipt else "",
            not_found=not status and answers.is_not_found(exchange),
            is_unlisted=_is_unlisted(exchange, status),
            request=exchange.request,
            response=exchange.response,
        )

    def refund(self, request: Refund) -> Answer:
        """Take the whole payment back. Keyed by Airtel's own id; there is none of ours (8)."""
        path = f"/standard/v{self._config.collection_version}/payments/refund"
        body = {"transaction": {"airtel_money_id": request.receipt}}
        try:
            exchange = self._signed.post(path, body, self._headers())
        except CallFailed as failure:
            return failure.collect_answer()
        sent_before = request.sent_before or exchange.is_repeat
        outcome, reason = answers.refund_meaning(exchange, sent_before)
        has_receipt = outcome == Outcome.SUCCEEDED
        unlisted = answers.unlisted(exchange)
        return Answer(
            outcome=outcome,
            reason=reason,
            code=unlisted or answers.code(exchange),
            message=answers.words(exchange),
            receipt=answers.transaction_member(exchange, "airtel_money_id") if has_receipt else "",
            is_unlisted=bool(unlisted),
            request=exchange.request,
            response=exchange.response,
        )

    def disburse(self, request: Disbursement) -> Answer:
        """Send money under our reference; Airtel refuses the same reference twice (9)."""
        try:
            body = self._disbursement_body(request)
        except ValueError as error:
            return Answer(
                outcome=Outcome.NOT_SENT, reason=Reason.CONFIGURATION, message=f"no PIN: {error}"
            )
        path = DISBURSEMENT_PATHS[self._config.disbursement_version]
        try:
            exchange = self._signed.post(path, body, self._headers())
        except CallFailed as failure:
            return failure.collect_answer()
        return _transfer_answer(exchange, answers.disbursement_meaning(exchange))

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        """Ask for a disbursement by our reference; for a reversal, what became of its collection."""
        if question.is_reversal:
            return self._query_reversal(question)
        version = self._config.disbursement_version
        path = f"/standard/v{version}/disbursements/{quote(question.reference, safe='')}"
        params = None if version == "1" else {"transactionType": TO_CUSTOMER}
        try:
            exchange = self._calls.call("GET", path, headers=self._headers(), params=params)
        except CallFailed as failure:
            return failure.query_answer()
        return _transfer_answer(exchange, answers.enquiry_meaning(exchange))

    def balance(self) -> Lookup:
        try:
            exchange = self._calls.call("GET", BALANCE_PATH, headers=self._headers())
        except CallFailed:
            return Lookup()
        return Lookup(balance=answers.balance(exchange))

    def holder(self, msisdn: str) -> Lookup:
        path = HOLDER_PATH + quote(_national(msisdn), safe="")
        try:
            exchange = self._calls.call("GET", path, headers=self._headers())
        except CallFailed:
            return Lookup()
        return Lookup(name=answers.holder_name(exchange))

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        return callbacks.parse_callback(self._config, body, headers)

    def acknowledge(self, body: bytes) -> Acknowledgement:
        return callbacks.acknowledge()

    def health(self) -> Health:
        return self._calls.health()

    def _enquire(self, reference: str) -> Exchange:
        path = ENQUIRY_PATH + quote(reference, safe="")
        return self._calls.call("GET", path, headers=self._headers())

    def _query_reversal(self, question: TransferQuestion) -> Answer:
        """There is no enquiry of a refund: the collection turns to TR when it is taken back (8).

        Anything else is UNKNOWN and never FAILED: the refund may be on its way.
        """
        try:
            exchange = self._enquire(question.collection_reference)
        except CallFailed as failure:
            return failure.query_answer()
        status = answers.transaction_status(exchange)
        is_reversed = STATUSES.get(status) == Outcome.REVERSED
        return Answer(
            outcome=Outcome.SUCCEEDED if is_reversed else Outcome.UNKNOWN,
            code=status or answers.code(exchange),
            message=answers.transaction_words(exchange),
            not_found=not status and answers.is_not_found(exchange),
            is_unlisted=_is_unlisted(exchange, status),
            request=exchange.request,
            response=exchange.response,
        )

    def _disbursement_body(self, request: Disbursement) -> dict[str, Any]:
        """In the version's form; each adds to the one before it (9). Raises ValueError."""
        version = self._config.disbursement_version
        payee = {"msisdn": _national(request.msisdn)}
        transaction: dict[str, Any] = {"amount": request.amount, "id": request.reference}
        if version != "1":
            payee["currency"] = self._config.currency
            transaction["type"] = TO_CUSTOMER
        if version == "3":
            payee["wallet_type"] = WALLET_TYPE
        return {
            "payee": payee,
            "reference": request.reference,
            "pin": self._encrypted_pin(),
            "transaction": transaction,
        }

    def _encrypted_pin(self) -> str:
        """Raises ValueError where a setting is missing or the key cannot be read."""
        pin = self._config.disbursement_pin
        if not pin:
            raise ValueError("AIRTEL_DISBURSEMENT_PIN is not set")
        key = public_key(self._config.public_key)
        return encrypted(pin.encode(), key, self._config.pin_padding or PKCS1)

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


def _national(msisdn: str) -> str:
    """The nine digits that Airtel knows a number by (3.1)."""
    return msisdn.removeprefix(COUNTRY_CODE)


def _is_unlisted(exchange: Exchange, status: str) -> bool:
    """By the transaction's status, where there is one, else by the codes."""
    return status not in STATUSES if status else bool(answers.unlisted_code(exchange))


def _transfer_answer(exchange: Exchange, meaning: Meaning) -> Answer:
    """Of a disbursement; its receipt is what Airtel calls `reference_id` (9)."""
    outcome, reason = meaning
    has_receipt = outcome == Outcome.SUCCEEDED
    unlisted = answers.unlisted(exchange)
    return Answer(
        outcome=outcome,
        reason=reason,
        code=unlisted or answers.code(exchange) or answers.transaction_status(exchange),
        message=answers.transaction_words(exchange),
        receipt=answers.transaction_member(exchange, "reference_id") if has_receipt else "",
        not_found=outcome == Outcome.UNKNOWN and answers.is_not_found(exchange),
        is_unlisted=bool(unlisted),
        request=exchange.request,
        response=exchange.response,
    )
