"""Refund of a whole collection, once, by Airtel's own id. Fact sheet 8."""

from __future__ import annotations

from aiohttp import web

from simulator.airtel_money.app import AirtelApp, parts
from simulator.airtel_money.envelopes import enveloped, esb_refusal, refusal, router_error
from simulator.provider import Json, Refused
from simulator.store.money import Movement, Type
from simulator.store.transfers import Instruction, Transfer

_FORBIDDEN = "DP00800001026"


class Refund:
    """The product that gives a payer the money back."""

    def __init__(self, app: AirtelApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        refund = self._app.authorised("refund", self.refund)
        return [web.post("/standard/{version:v[12]}/payments/refund{slash:/?}", refund)]

    async def refund(self, request: web.Request) -> web.Response:
        """It has no id of ours, and no enquiry of its own."""
        body = await self._app.signed_body(request, _FORBIDDEN)
        original = self._original(body)
        receipt = f"CI{self._app.dated_number('R')}"
        transfer = self._app.payouts.take_back(
            Instruction(
                provider=self._app.name,
                dialect=self._app.dialect,
                type=Type.REFUND,
                reference=receipt,
                our_reference=original.our_reference,
                names={"airtel_money_id": original.receipt},
                msisdn=original.msisdn,
                amount=original.amount,
                original_receipt=original.receipt,
            ),
            receipt,
        )
        return await self._app.told(transfer, self._told(transfer))

    def _told(self, transfer: Transfer) -> web.Response:
        if transfer.scenario.is_timed_out:
            return router_error(200, "ROUTER117")
        if not transfer.is_paid:
            return esb_refusal("ESB000011", message="Transaction cannot be refunded")
        return enveloped(
            {"transaction": {"airtel_money_id": transfer.receipt, "status": "SUCCESS"}},
            message="SUCCESS",
            success=not self._app.behaviour.of(self._app.name, "success_lies"),
        )

    def _original(self, body: Json) -> Movement:
        (transaction,) = parts(body, "transaction")
        airtel_money_id = transaction.get("airtel_money_id")
        if not (isinstance(airtel_money_id, str) and airtel_money_id):
            raise Refused(refusal(result_code="ESB000008", message="Invalid airtel_money_id"))
        original = self._app.bank.incoming(self._app.name, airtel_money_id)
        if original is None:
            raise Refused(esb_refusal("ESB000045"))
        return original
