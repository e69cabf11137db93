"""C2B single stage: the prompt on a phone, with its result in the answer or by a call later."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from simulator.mpesa_openapi.app import OpenApiApp
from simulator.mpesa_openapi.codes import NOTHING, new_conversation, outcome, refusal
from simulator.mpesa_openapi.fields import C2B, whole
from simulator.phones import Outcome, Scenario
from simulator.store.prompts import Order, Prompt


class Payments:
    """Fact sheet 1.4."""

    def __init__(self, app: OpenApiApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        return [self._app.route("POST", "c2bPayment/singleStage", "collect", self.pay, *C2B)]

    async def pay(self, fields: dict[str, str]) -> web.Response:
        """A ThirdPartyConversationID counts once, whatever became of it."""
        ours = fields["input_ThirdPartyConversationID"]
        if not self._app.is_registered(fields["input_CustomerMSISDN"]):
            return refusal("INS-2051", ours=ours)
        if not self._app.store.memory.claim(self._app.dialect, ours):
            return refusal("INS-10", ours=ours)
        order = self._order(fields)
        if not self._app.is_sync:
            accepted = outcome("INS-0", conversation=order.alias, ours=ours)
            return await self._app.push(order, accepted)
        return await self._answered(order)

    async def _answered(self, order: Order) -> web.Response:
        """Hold the connection until the phone has answered. Raises HangUp."""
        scenario = self._app.scenario_of(order)
        prompt = self._app.prompts.open(order, scenario)
        prompt = await self._app.prompts.ended(prompt.id)
        if prompt.receipt and scenario in _BROKEN:
            return self._app.broken(is_cut=scenario is not Scenario.ERROR_AFTER_CHARGING)
        return self._result(prompt)

    def _result(self, prompt: Prompt) -> web.Response:
        return outcome(
            self._app.code_of(Outcome(prompt.state)),
            conversation=prompt.alias,
            ours=prompt.reference,
            transaction=prompt.receipt or NOTHING,
        )

    def _order(self, fields: Mapping[str, str]) -> Order:
        ours = fields["input_ThirdPartyConversationID"]
        conversation = new_conversation()
        return Order(
            provider=self._app.name,
            dialect=self._app.dialect,
            reference=ours,
            alias=conversation,
            our_reference=ours,
            names={
                "ThirdPartyConversationID": ours,
                "ConversationID": conversation,
                "TransactionReference": fields["input_TransactionReference"],
            },
            msisdn=fields["input_CustomerMSISDN"],
            amount=whole(fields["input_Amount"]),
            text=f"{self._app.merchant}, {fields['input_TransactionReference']}",
            callback_url="" if self._app.is_sync else self._app.config.callback_url,
        )


# In this mode the answer is the only news: where a callback would be lost, the answer is.
_BROKEN = (Scenario.ERROR_AFTER_CHARGING, Scenario.RESPONSE_LOST, Scenario.CALLBACK_LOST)
