"""The Open API application with all its calls."""

from __future__ import annotations

from aiohttp import web

from simulator.config import OpenApiConfig
from simulator.mpesa_openapi.app import OpenApiApp
from simulator.mpesa_openapi.codes import refusal
from simulator.mpesa_openapi.payments import Payments
from simulator.mpesa_openapi.query import Query
from simulator.mpesa_openapi.sending import Sending
from simulator.provider import World

_NOT_ENABLED = (
    ("POST", "c2bPayment/multiStage"),
    ("PUT", "updateTransactionStatus"),
    ("POST", "b2bPayment"),
    ("GET", "queryBeneficiaryName"),
    ("POST", "directDebitCreation"),
    ("POST", "directDebitPayment"),
    ("GET", "queryDirectDebit"),
    ("PUT", "directDebitCancel"),
)


class MpesaOpenApi(OpenApiApp):
    """The application. The calls that it has not been granted say so."""

    def __init__(self, config: OpenApiConfig, world: World) -> None:
        super().__init__(config, world)
        self._calls = (Payments(self), Sending(self), Query(self))

    def routes(self) -> list[web.RouteDef]:
        routes = [self.session_route()]
        for call in self._calls:
            routes += call.routes()
        return routes + [
            self.route(method, path, "query", _not_enabled) for method, path in _NOT_ENABLED
        ]


async def _not_enabled(_: dict[str, str]) -> web.Response:
    return refusal("INS-997")
