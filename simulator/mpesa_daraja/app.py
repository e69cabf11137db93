"""One Daraja app with one short code: the token, and who may ask. Its products come on top."""

from __future__ import annotations

import secrets
import string

from aiohttp import web

from simulator.config import MpesaConfig
from simulator.keys import key_pair
from simulator.mpesa_daraja.errors import error
from simulator.provider import (
    Handler,
    Json,
    Provider,
    Refused,
    World,
    answer,
    basic_credentials,
    bearer_token,
    json_object,
)
from simulator.store.calls import CallbackRequest

TOKEN_SECONDS = 3599
KEY_BITS = 2048  # as Safaricom's certificates


class DarajaApp(Provider):
    """What every product needs of the app."""

    name = "vodacom_mpesa"
    dialect = "mpesa_daraja"
    title = "M-Pesa"
    prefixes = ("/oauth/", "/mpesa/", "/pulltransactions/")

    def __init__(self, config: MpesaConfig, world: World) -> None:
        super().__init__(world)
        self.config = config
        self.key = key_pair(self.store, self.dialect, config.private_key, bits=KEY_BITS)

    def token_route(self) -> web.RouteDef:
        generate = self.operation("token", self.generate)
        return web.get("/oauth/v1/generate", generate, allow_head=False)

    def post(self, path: str, operation: str, handler: Handler) -> web.RouteDef:
        return web.post(path, self.operation(operation, handler))

    async def generate(self, request: web.Request) -> web.Response:
        """Fact sheet 2.1. A new token ends the one before."""
        header = request.headers.get("Authorization", "")
        if header.partition(" ")[0].lower() != "basic":
            return self.error(400, "400.008.01")
        if request.query.get("grant_type") != "client_credentials":
            return self.error(400, "400.008.02")
        given = basic_credentials(request)
        if given is None:
            return self.error(400, "400.008.01")
        if given != (self.config.consumer_key, self.config.consumer_secret):
            return web.Response(status=400)  # the real one says nothing more, either
        letters = string.ascii_letters + string.digits
        token = "".join(secrets.choice(letters) for _ in range(28))
        self.store.memory.keep_token(self.dialect, token, seconds=TOKEN_SECONDS, is_only=True)
        return answer({"access_token": token, "expires_in": str(TOKEN_SECONDS)})

    async def authorised_body(self, request: web.Request) -> Json:
        """The JSON body of somebody with a token. Raises Refused."""
        token = bearer_token(request)
        if not token:
            raise Refused(self.error(404, "404.001.04"))
        if not self.store.memory.is_token(self.dialect, token):
            raise Refused(self.error(404, "404.001.03"))
        body = await json_object(request)
        if body is None:
            raise Refused(self.error(400, "400.002.05"))
        return body

    def new_receipt(self) -> str:
        """Ten capital letters and digits."""
        return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))

    def forged(self, request: CallbackRequest) -> CallbackRequest:
        """A merchant's last path segment may be a secret, which a stranger does not know."""
        known = request.url.rstrip("/").rpartition("/")[0]
        return super().forged(CallbackRequest(known, request.headers, request.body))

    def error(self, status: int, code: str = "") -> web.Response:
        return error(status, code or "500.003.1001")

    def no_such_path(self, status: int) -> web.Response:
        return self.error(status, "405.001" if status == 405 else "404.001.01")

    def public_keys(self) -> dict[str, str]:
        return {"MPESA_PUBLIC_KEY": self.key.public_text}
