"""Collection: payments (v1 and v2), enquiry and the signed callback. Fact sheet 5 to 7."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from aiohttp import web

from simulator.airtel_money.app import (
    INVALID_AMOUNT,
    MSISDN,
    REFERENCE,
    TRANSACTION_ID,
    AirtelApp,
    amount_of,
    matches,
    parts,
)
from simulator.airtel_money.envelopes import enveloped, esb_refusal, refusal
from simulator.phones import Outcome
from simulator.provider import Json
from simulator.store.calls import CallbackRequest
from simulator.store.database import DuplicateReference
from simulator.store.prompts import Order, Prompt

_FORBIDDEN = "DP00800001026"
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


class Collection:
    """The product of payments by a prompt."""

    def __init__(self, app: AirtelApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        push = self._app.authorised("collect", self.payments)
        enquire = self._app.authorised("query", self.enquiry)
        return [
            web.post("/merchant/{version:v[12]}/payments/", push),
            web.post("/merchant/{version:v[12]}/payments", push),
            web.get("/standard/v1/payments/{id}", enquire, allow_head=False),
        ]

    async def payments(self, request: web.Request) -> web.Response:
        """SUCCESS means here that the prompt was sent."""
        body = await self._app.signed_body(request, _FORBIDDEN)
        subscriber, transaction = parts(body, "subscriber", "transaction")
        refused = self._refused_fields(body, subscriber, transaction)
        if refused is not None:
            return refused
        order = self._order(body, subscriber, transaction)
        if not self._app.is_registered(order.msisdn):
            return refusal(response_code="DP00800001005", message="Msisdn Not Found")
        accepted = enveloped(
            {"transaction": {"id": order.reference, "status": "SUCCESS"}},
            message="SUCCESS",
            response_code="DP00800001006",
        )
        try:
            return await self._app.push(order, accepted)
        except DuplicateReference:
            return esb_refusal("ESB000041")

    async def enquiry(self, request: web.Request) -> web.Response:
        """What it says before three minutes are over can be set."""
        name = request.match_info["id"]
        prompt = self._app.store.prompts.known_as(self._app.dialect, name)
        if prompt is None or prompt.reference != name:
            return _not_found()
        early = self._app.early_answer(prompt)
        if early == "not_found" and prompt.is_waiting:
            return _not_found()
        if prompt.is_waiting or early == "in_progress":
            return _in_progress(prompt)
        return self._final(prompt)

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """An expired prompt is told as failed: callbacks know no TE."""
        transaction: Json = {
            "id": prompt.reference,
            "message": self._message(prompt, outcome, receipt),
            "status_code": "TS" if _STATUSES[outcome][0] == "TS" else "TF",
        }
        if receipt:
            transaction["airtel_money_id"] = receipt
        return CallbackRequest(
            url=prompt.callback_url,
            headers={"Content-Type": "application/json"},
            body=hashed(
                transaction,
                self._app.config.callback_key,
                self._app.behaviour.of(self._app.name, "hash_form"),
            ),
        )

    def _refused_fields(
        self, body: Json, subscriber: Json, transaction: Json
    ) -> web.Response | None:
        config = self._app.config
        if not matches(MSISDN, subscriber.get("msisdn")):
            return esb_refusal("ESB000033")
        for part in (subscriber, transaction):
            if part.get("country", config.country) != config.country:
                return esb_refusal("ESB000034")
            if part.get("currency", config.currency) != config.currency:
                return esb_refusal("ESB000035")
        if amount_of(transaction.get("amount")) < 1:
            return refusal(
                result_code="ESB000008", response_code="DP00800001004", message=INVALID_AMOUNT
            )
        if not matches(TRANSACTION_ID, transaction.get("id")):
            return refusal(result_code="ESB000008", message="Invalid transaction id")
        if not matches(REFERENCE, body.get("reference")):
            return refusal(result_code="ESB000008", message="Invalid reference")
        return None

    def _order(self, body: Json, subscriber: Json, transaction: Json) -> Order:
        reference = str(transaction["id"])
        return Order(
            provider=self._app.name,
            dialect=self._app.dialect,
            reference=reference,
            our_reference=reference,
            names={"transaction.id": reference, "reference": str(body["reference"])},
            msisdn=f"255{subscriber['msisdn']}",
            amount=amount_of(transaction["amount"]),
            text=f"{self._app.merchant}, {body['reference']}",
            callback_url=self._app.config.callback_url,
        )

    def _final(self, prompt: Prompt) -> web.Response:
        """After a refund or reversal, TR: what the sheet infers."""
        outcome = Outcome(prompt.state)
        status, code, _ = _STATUSES[outcome]
        is_paid = outcome is Outcome.PAID
        if is_paid and self._is_taken_back(prompt):
            status = "TR"
        transaction = {
            # The documented sample of a failure has an id too; it means nothing.
            "airtel_money_id": prompt.receipt or f"C{prompt.id:012d}",
            "id": prompt.reference,
            "message": self._message(prompt, outcome, prompt.receipt),
            "status": status,
        }
        return enveloped(
            {"transaction": transaction},
            message="SUCCESS" if is_paid else "FAILED",
            response_code=code,
            success=is_paid and not self._app.behaviour.of(self._app.name, "success_lies"),
            result_code="ESB000010" if is_paid else "ESB000011",
        )

    def _is_taken_back(self, prompt: Prompt) -> bool:
        movement = self._app.bank.incoming(self._app.name, prompt.receipt or "")
        return movement is not None and self._app.bank.taken_back(movement) > 0

    def _message(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> str:
        words = _STATUSES[outcome][2]
        return words.format(amount=prompt.amount, merchant=self._app.merchant, id=receipt)


def hashed(transaction: Json, key: str, form: str) -> bytes:
    """A callback's body, with the hash over one of the three byte strings that clients know.

    Without a key there is no hash.
    """
    separators = (", ", ": ") if form == "raw" else (",", ":")
    wrapped = {"transaction": transaction}
    if not key:
        return _dumped(wrapped, separators)
    covered = _dumped(wrapped if form == "wrapped" else transaction, separators)
    digest = base64.b64encode(hmac.digest(key.encode(), covered, hashlib.sha256)).decode()
    return _dumped({**wrapped, "hash": digest}, separators)


def _dumped(value: Json, separators: tuple[str, str]) -> bytes:
    return json.dumps(value, separators=separators, ensure_ascii=False).encode()


def _not_found() -> web.Response:
    return esb_refusal("ESB000045", response_code="DP00800001025")


def _in_progress(prompt: Prompt) -> web.Response:
    transaction = {
        "airtel_money_id": "",
        "id": prompt.reference,
        "message": "Transaction is in progress",
        "status": "TIP",
    }
    return enveloped({"transaction": transaction}, message="SUCCESS", response_code="DP00800001006")
