"""Airtel Money, collection: token, payments (v1 and v2), enquiry and the signed callback.

Read from the Airtel Money fact sheet, 1 to 7 and 11. Where its two code tables differ, table A.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.config import AirtelConfig
from simulator.phones import Outcome
from simulator.provider import (
    Json,
    Provider,
    World,
    answer,
    basic_credentials,
    bearer_token,
    json_object,
    whole_amount,
)
from simulator.store import CallbackRequest, DuplicateReference, Order, Prompt

TOKEN_SECONDS = 180

_MSISDN = re.compile(r"[1-9][0-9]{8}")
_TRANSACTION_ID = re.compile(r"[A-Za-z0-9-]{5,80}")
_REFERENCE = re.compile(r"[A-Za-z0-9 -]{4,64}")
_NUMBER = re.compile(r"[0-9]+(\.0{1,3})?")

_ROUTER = {
    "ROUTER003": "Missing request header or body parameter",
    "ROUTER006": "Invalid country code provided.",
    "ROUTER110": "Partner not found",
    "ROUTER112": "Invalid currency provided.",
    "ROUTER117": "An error occurred while generating the response.",
}
_ESB = {
    "0000900": "Transaction might be in ambiguous state",
    "ESB000001": "Something went wrong",
    "ESB000004": "An error occurred while initiating the payment",
    "ESB000008": "Field validation",
    "ESB000011": "Failed",
    "ESB000014": "An error occurred while fetching the transaction status",
    "ESB000033": "Invalid Msisdn Length. Msisdn Length should be 9",
    "ESB000034": "Invalid Country Name",
    "ESB000035": "Invalid Currency Code",
    "ESB000041": "External Transaction ID already exists.",
    "ESB000045": "No Transaction Found With Provided Transaction Id.",
}
_INVALID_AMOUNT = "Invalid Amount: it must be a number greater than zero"
_STATUSES: dict[Outcome, tuple[str, str, str]] = {  # status, collection code, message
    Outcome.PAID: (
        "TS",
        "DP00800001001",
        "Paid TZS {amount:,} to {merchant} Charge TZS 0, Trans ID {id}.",
    ),
    Outcome.WRONG_PIN: ("TF", "DP00800001002", "The PIN you have entered is incorrect."),
    Outcome.INSUFFICIENT_FUNDS: ("TF", "DP00800001007", "Insufficient balance."),
    Outcome.CANCELLED: ("TF", "DP00800001008", "The transaction was refused by the customer."),
    Outcome.EXPIRED: ("TE", "DP00800001029", "The transaction has expired."),
    Outcome.NOT_PERMITTED: ("TF", "DP00800001008", "The transaction was refused."),
}


class AirtelMoney(Provider):
    """One application with the collection product."""

    name = "airtel_money"
    title = "Airtel Money"
    prefixes = ("/auth/", "/merchant/", "/standard/")

    def __init__(self, config: AirtelConfig, world: World) -> None:
        super().__init__(world)
        self.config = config

    def routes(self) -> list[web.RouteDef]:
        push = self.operation("collect", self.payments)
        enquire = self.operation("query", self.enquiry)
        return [
            web.post("/auth/oauth2/token", self.operation("token", self.token)),
            web.post("/merchant/{version:v[12]}/payments/", push),
            web.post("/merchant/{version:v[12]}/payments", push),
            web.get("/standard/v1/payments/{id}", enquire, allow_head=False),
        ]

    async def token(self, request: web.Request) -> web.Response:
        """Fact sheet 2: JSON as documented; a form and HTTP Basic as some clients have it."""
        given = await json_object(request) or dict(await request.post())
        user, password = basic_credentials(request) or ("", "")
        client = (given.get("client_id") or user, given.get("client_secret") or password)
        if client != (self.config.client_id, self.config.client_secret):
            return _token_error("invalid_client", "Invalid client authentication")
        if given.get("grant_type") != "client_credentials":
            return _token_error("unsupported_grant_type", "Unsupported grant type")
        token = secrets.token_urlsafe(24)
        self.store.keep_token(self.name, token, seconds=TOKEN_SECONDS, is_only=False)
        body = {"access_token": token, "expires_in": str(TOKEN_SECONDS), "token_type": "bearer"}
        return answer(body)

    async def payments(self, request: web.Request) -> web.Response:
        """Fact sheet 5. SUCCESS means here that the prompt was sent."""
        refusal = self._refused_headers(request)
        if refusal is not None:
            return refusal
        body = await json_object(request)
        subscriber, transaction = (body or {}).get("subscriber"), (body or {}).get("transaction")
        if body is None or not isinstance(subscriber, dict) or not isinstance(transaction, dict):
            return _router_error(400, "ROUTER003")
        refusal = self._refused_fields(body, subscriber, transaction)
        if refusal is not None:
            return refusal
        order = self._order(body, subscriber, transaction)
        if not self.is_registered(order.msisdn):
            return _refusal(response_code="DP00800001005", message="Msisdn Not Found")
        accepted = _envelope(
            {"id": order.reference, "status": "SUCCESS"}, "DP00800001006", "SUCCESS", success=True
        )
        try:
            return await self.push(order, answer(accepted))
        except DuplicateReference:
            return _esb_refusal("ESB000041")

    async def enquiry(self, request: web.Request) -> web.Response:
        """Fact sheet 6. What it says before three minutes are over can be set."""
        refusal = self._refused_headers(request)
        if refusal is not None:
            return refusal
        prompt = self.store.prompt_by_reference(self.name, request.match_info["id"])
        early = self._early_answer(prompt) if prompt else "not_found"
        if prompt is None or early == "not_found":
            return _esb_refusal("ESB000045", response_code="DP00800001025")
        if prompt.is_waiting or early == "in_progress":
            return answer(_in_progress(prompt))
        return answer(self._final(prompt))

    def new_receipt(self, prompt: Prompt) -> str:
        """Like MP210603.1234.L06941."""
        return f"MP{datetime.now(UTC):%y%m%d.%H%M}.L{prompt.id:05d}"

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """Fact sheet 7. An expired prompt is told as failed: callbacks know no TE."""
        status = _STATUSES[outcome][0]
        transaction: Json = {
            "id": prompt.reference,
            "message": self._message(prompt, outcome, receipt),
            "status_code": "TS" if status == "TS" else "TF",
        }
        if receipt:
            transaction["airtel_money_id"] = receipt
        return CallbackRequest(
            url=prompt.callback_url,
            headers={"Content-Type": "application/json"},
            body=self._signed(transaction),
        )

    def error(self, status: int, code: str = "") -> web.Response:
        if code.startswith("ROUTER"):
            return _router_error(status, code)
        if code:
            return _esb_refusal(code, status=status)
        message = "Something Went Wrong"
        return _refusal(status, "500", response_code="DP00800001005", message=message)

    def no_such_path(self, status: int) -> web.Response:
        return answer({"status_message": "No route", "status_code": str(status)}, status)

    def _refused_headers(self, request: web.Request) -> web.Response | None:
        """Fact sheet 2, 3 and 13.8, with the real one's misleading words."""
        if not self.store.is_token(self.name, bearer_token(request)):
            description = "The access token is invalid or has expired"
            return answer({"error": "invalid_token", "error_description": description}, 401)
        country = request.headers.get("X-Country", "").upper()
        currency = request.headers.get("X-Currency", "").upper()
        if not country:
            return _router_error(400, "ROUTER110")
        if country != self.config.country:
            return _router_error(400, "ROUTER006")
        if not currency:
            missing = "Missing request header 'x-wallet-id' for method parameter of type String"
            return _refusal(result_code="ESB000008", message=missing)
        if currency != self.config.currency:
            return _router_error(400, "ROUTER112")
        return None

    def _refused_fields(
        self, body: Json, subscriber: Json, transaction: Json
    ) -> web.Response | None:
        if not _matches(_MSISDN, subscriber.get("msisdn")):
            return _esb_refusal("ESB000033")
        for part in (subscriber, transaction):
            if part.get("country", self.config.country) != self.config.country:
                return _esb_refusal("ESB000034")
            if part.get("currency", self.config.currency) != self.config.currency:
                return _esb_refusal("ESB000035")
        if _amount(transaction.get("amount")) < 1:
            return _refusal(
                result_code="ESB000008", response_code="DP00800001004", message=_INVALID_AMOUNT
            )
        if not _matches(_TRANSACTION_ID, transaction.get("id")):
            return _refusal(result_code="ESB000008", message="Invalid transaction id")
        if not _matches(_REFERENCE, body.get("reference")):
            return _refusal(result_code="ESB000008", message="Invalid reference")
        return None

    def _order(self, body: Json, subscriber: Json, transaction: Json) -> Order:
        reference = str(transaction["id"])
        return Order(
            provider=self.name,
            reference=reference,
            names={"transaction.id": reference, "reference": str(body["reference"])},
            msisdn=f"255{subscriber['msisdn']}",
            amount=_amount(transaction["amount"]),
            text=f"{self.merchant}, {body['reference']}",
            callback_url=self.config.callback_url,
        )

    def _early_answer(self, prompt: Prompt) -> str:
        """What an enquiry says too soon: `truth`, `in_progress`, or `not_found` until settled."""
        seconds = self.behaviour.of(self.name, "early_enquiry_seconds")
        early = str(self.behaviour.of(self.name, "early_enquiry"))
        is_early = time.time() - prompt.created_at < seconds
        is_hidden = early == "in_progress" or prompt.is_waiting
        return early if is_early and is_hidden else "truth"

    def _final(self, prompt: Prompt) -> Json:
        outcome = Outcome(prompt.state)
        status, code, _ = _STATUSES[outcome]
        is_paid = outcome is Outcome.PAID
        transaction = {
            # The documented sample of a failure has an id too; it means nothing.
            "airtel_money_id": prompt.receipt or f"C{prompt.id:012d}",
            "id": prompt.reference,
            "message": self._message(prompt, outcome, prompt.receipt),
            "status": status,
        }
        return _envelope(transaction, code, "SUCCESS" if is_paid else "FAILED", success=is_paid)

    def _message(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> str:
        words = _STATUSES[outcome][2]
        return words.format(amount=prompt.amount, merchant=self.merchant, id=receipt)

    def _signed(self, transaction: Json) -> bytes:
        """The body with the hash over one of the three byte strings that clients know."""
        form = self.behaviour.of(self.name, "hash_form")
        separators = (", ", ": ") if form == "raw" else (",", ":")
        bare = _dumped(transaction, separators)
        if not self.config.callback_key:
            return _dumped({"transaction": transaction}, separators)
        hashed = _dumped({"transaction": transaction}, separators) if form == "wrapped" else bare
        digest = hmac.digest(self.config.callback_key.encode(), hashed, hashlib.sha256)
        signed = {"transaction": transaction, "hash": base64.b64encode(digest).decode()}
        return _dumped(signed, separators)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    """A field that is a string in the documents and a number with some clients."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    return pattern.fullmatch(str(value)) is not None


def _amount(value: object) -> int:
    if isinstance(value, str):
        return int(value.partition(".")[0]) if _NUMBER.fullmatch(value) else 0
    return whole_amount(value) or 0


def _dumped(value: Json, separators: tuple[str, str]) -> bytes:
    return json.dumps(value, separators=separators, ensure_ascii=False).encode()


def _in_progress(prompt: Prompt) -> Json:
    transaction = {
        "airtel_money_id": "",
        "id": prompt.reference,
        "message": "Transaction is in progress",
        "status": "TIP",
    }
    return _envelope(transaction, "DP00800001006", "SUCCESS", success=True)


def _envelope(transaction: Json, code: str, message: str, *, success: bool) -> Json:
    return {
        "data": {"transaction": transaction},
        "status": {
            "code": "200",
            "message": message,
            "result_code": "ESB000010" if success else "ESB000011",
            "response_code": code,
            "success": success,
        },
    }


def _refusal(status: int = 200, code: str = "400", **facts: Any) -> web.Response:
    """A refusal in the envelope, which is mostly an HTTP 200."""
    return answer({"status": {"code": code, "success": False, **facts}}, status)


def _esb_refusal(result_code: str, *, status: int = 200, **facts: Any) -> web.Response:
    message = _ESB.get(result_code, "Something went wrong")
    return _refusal(status, result_code=result_code, message=message, **facts)


def _router_error(status: int, code: str) -> web.Response:
    body = {"status_message": _ROUTER.get(code, "Router error"), "status_code": code}
    return answer(body, status)


def _token_error(error: str, description: str) -> web.Response:
    return answer({"error": error, "error_description": description}, 400)
