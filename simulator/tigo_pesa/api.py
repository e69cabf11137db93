"""Tigo Pesa with the products that the merchant has."""

from __future__ import annotations

from aiohttp import web

from simulator.config import TigoConfig
from simulator.provider import World
from simulator.tigo_pesa.a2w import A2w
from simulator.tigo_pesa.push import TigoPush
from simulator.tigo_pesa.w2a import W2a


class TigoPesa(TigoPush):
    """Push; disbursement where an account for it is named; bills."""

    def __init__(self, config: TigoConfig, world: World) -> None:
        super().__init__(config, world)
        world.bills.register(self.name, W2a(config, world))

    def routes(self) -> list[web.RouteDef]:
        routes = super().routes()
        if self.config.disburse_msisdn:
            routes += A2w(self, self.config.disburse_msisdn, self.config.disburse_pin).routes()
        return routes
