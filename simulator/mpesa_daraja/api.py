"""The Daraja app with all its products."""

from __future__ import annotations

from aiohttp import web

from simulator.config import MpesaConfig
from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.b2c import B2c
from simulator.mpesa_daraja.c2b import C2b
from simulator.mpesa_daraja.initiator import Initiator
from simulator.mpesa_daraja.pull import Pull
from simulator.mpesa_daraja.reversal import Reversal
from simulator.mpesa_daraja.status import Status
from simulator.mpesa_daraja.stk import Stk
from simulator.phones import Outcome, Scenario
from simulator.provider import World
from simulator.store.calls import CallbackRequest
from simulator.store.prompts import Order, Prompt


class MpesaDaraja(DarajaApp):
    """The app. Each product adds its own paths."""

    def __init__(self, config: MpesaConfig, world: World) -> None:
        super().__init__(config, world)
        initiator = Initiator(self)
        self._stk = Stk(self)
        self._c2b = C2b(self)
        self._products = (
            self._stk,
            self._c2b,
            B2c(self, initiator),
            Status(self, initiator),
            Reversal(self, initiator),
            Pull(self),
        )
        world.bills.register(self.name, self._c2b)

    def routes(self) -> list[web.RouteDef]:
        routes = [self.token_route()]
        for product in self._products:
            routes += product.routes()
        return routes

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        return self._stk.callback(prompt, outcome, receipt)

    def paid(self, prompt: Prompt, receipt: str) -> list[CallbackRequest]:
        """Fact sheet 2.7: a payment by STK may raise a C2B confirmation too."""
        if not self.behaviour.of(self.name, "stk_confirmation"):
            return []
        return self._c2b.confirmation(
            msisdn=prompt.msisdn,
            amount=prompt.amount,
            reference=prompt.our_reference,
            receipt=receipt,
        )

    def scenario_of(self, order: Order) -> Scenario:
        is_pay_bill = order.names["TransactionType"] == "CustomerPayBillOnline"
        if is_pay_bill and order.names["PartyB"] != self.config.short_code:
            return Scenario.NOT_PERMITTED
        return super().scenario_of(order)
