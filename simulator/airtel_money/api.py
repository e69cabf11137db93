"""The Airtel Money application with all its products."""

from __future__ import annotations

import json

from aiohttp import web

from simulator.airtel_money.app import AirtelApp
from simulator.airtel_money.collection import Collection
from simulator.airtel_money.disbursement import Disbursement
from simulator.airtel_money.look_ups import LookUps
from simulator.airtel_money.refund import Refund
from simulator.config import AirtelConfig
from simulator.phones import Outcome
from simulator.provider import World, compact
from simulator.store.calls import CallbackRequest
from simulator.store.prompts import Prompt


class AirtelMoney(AirtelApp):
    """The application. Each product adds its own paths."""

    def __init__(self, config: AirtelConfig, world: World) -> None:
        super().__init__(config, world)
        self._collection = Collection(self)
        self._products = (self._collection, Refund(self), Disbursement(self), LookUps(self))

    def routes(self) -> list[web.RouteDef]:
        routes = [self.token_route()]
        for product in self._products:
            routes += product.routes()
        return routes

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        return self._collection.callback(prompt, outcome, receipt)

    def forged(self, request: CallbackRequest) -> CallbackRequest:
        """A stranger has no key: the hash is of another one, where there is any."""
        body = json.loads(request.body)
        if "hash" in body:
            body["hash"] = body["hash"][::-1]
        return super().forged(CallbackRequest(request.url, request.headers, compact(body)))
