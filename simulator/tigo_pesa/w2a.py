"""Paybill: a customer's bill, for which the merchant answers a name check and takes the money.

Fact sheet, product C. Ours alone: without a readable answer, or with error111, the bill is asked
about once more; then the money goes back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.bills import Verdict
from simulator.config import TigoConfig
from simulator.provider import Json, World
from simulator.store.bills import Bill
from simulator.store.calls import CallbackRequest
from simulator.tigo_pesa.commands import CONTENT_TYPE, command, parsed

_OK, _RETRY = "error000", "error111"
_TRIES = 2


class W2a:
    """The merchant's paybill."""

    def __init__(self, config: TigoConfig, world: World) -> None:
        self._config = config
        self._world = world

    def new_receipt(self) -> str:
        """Like BP140218.1240.B01530."""
        number = self._world.store.memory.throw("tigo_pesa bill")
        return f"BP{datetime.now(UTC):%y%m%d.%H%M}.B{number:05d}"

    async def ask_about(self, bill: Bill, *, times: int) -> Verdict:
        """Name check, then bill pay; a repeated bill pay asks for the same transaction again."""
        questions: list[Json] = []
        known = await self._asked("name check", _name_check(bill, self._config), questions)
        if not _is_good(known):
            return Verdict(False, _words(known), questions)
        answer = await self._paid(bill, questions)
        for _ in range(times - 1):
            answer = await self._paid(bill, questions)
        return Verdict(_is_good(answer), _words(answer), questions)

    def paid_bill(self, bill: Bill) -> list[CallbackRequest]:
        """The merchant has heard it already."""
        return []

    async def _paid(self, bill: Bill, questions: list[Json]) -> dict[str, str] | None:
        answer: dict[str, str] | None = None
        for _ in range(_TRIES):
            answer = await self._asked("bill pay", _bill_pay(bill, self._config), questions)
            if answer is not None and _code(answer) != _RETRY:
                break
        return answer

    async def _asked(
        self, question: str, body: bytes, questions: list[Json]
    ) -> dict[str, str] | None:
        reply = await self._world.sender.ask(
            CallbackRequest(self._config.w2a_url, {"Content-Type": CONTENT_TYPE}, body),
            patience_seconds=self._world.behaviour.seconds("bill_seconds"),
        )
        noted: dict[str, Any] = {
            "question": question,
            "asked": body.decode(),
            "status": reply.status,
            "answer": reply.text,
        }
        questions.append(noted)
        return parsed(reply.text.encode()) if reply.status == 200 else None


def _name_check(bill: Bill, config: TigoConfig) -> bytes:
    return command(
        {
            "TYPE": "SYNC_LOOKUP_REQUEST",
            "MSISDN": bill.msisdn,
            "COMPANYNAME": config.company_name,
            "CUSTOMERREFERENCEID": bill.reference,
        }
    )


def _bill_pay(bill: Bill, config: TigoConfig) -> bytes:
    return command(
        {
            "TYPE": "SYNC_BILLPAY_REQUEST",
            "TXNID": bill.receipt,
            "MSISDN": bill.msisdn,
            "AMOUNT": bill.amount,
            "COMPANYNAME": config.company_name,
            "CUSTOMERREFERENCEID": bill.reference,
            "SENDERNAME": "ASHA JUMA",
        }
    )


def _is_good(answer: dict[str, str] | None) -> bool:
    return answer is not None and answer.get("RESULT") == "TS" and _code(answer) == _OK


def _code(answer: dict[str, str]) -> str:
    """The code with or without its word."""
    code = answer.get("ERRORCODE", "").lower()
    return code if code.startswith("error") else f"error{code}"


def _words(answer: dict[str, str] | None) -> str:
    """What the phone shows."""
    if answer is None:
        return "The merchant did not answer"
    reason = answer.get("ERRORDESC") or answer.get("ERRORDESCRIPTION") or ""
    return answer.get("CONTENT") or reason or answer.get("ERRORCODE", "")
