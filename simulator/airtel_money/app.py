"""One application: the token, the headers that every call needs, and the signature of messages."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from aiohttp import web

from simulator.airtel_money.envelopes import esb_refusal, refusal, router_error, token_error
from simulator.airtel_money.signing import is_signed
from simulator.config import AirtelConfig
from simulator.keys import key_pair
from simulator.provider import (
    Handler,
    Json,
    Provider,
    Refused,
    StreamHandler,
    World,
    answer,
    basic_credentials,
    bearer_token,
    json_object,
    whole_amount,
)

TOKEN_SECONDS = 180
KEY_BITS = 1024  # as the documented key of PINs, which goes with PKCS#1 v1.5
MSISDN = re.compile(r"[1-9][0-9]{8}")
TRANSACTION_ID = re.compile(r"[A-Za-z0-9-]{5,80}")
REFERENCE = re.compile(r"[A-Za-z0-9 -]{4,64}")
INVALID_AMOUNT = "Invalid Amount: it must be a number greater than zero"

_NUMBER = re.compile(r"[0-9]+(\.0{1,3})?")


class AirtelApp(Provider):
    """What every product needs of the application."""

    name = "airtel_money"
    dialect = "airtel_money"
    title = "Airtel Money"
    prefixes = ("/auth/", "/merchant/", "/standard/", "/v1/rsa/")

    def __init__(self, config: AirtelConfig, world: World) -> None:
        super().__init__(world)
        self.config = config
        self.key = key_pair(self.store, self.dialect, config.private_key, bits=KEY_BITS)

    def token_route(self) -> web.RouteDef:
        return web.post("/auth/oauth2/token", self.operation("token", self.token))

    def authorised(self, operation: str, handler: Handler) -> StreamHandler:
        """A handler for callers with the right token and headers."""

        async def checked(request: web.Request) -> web.Response:
            self._check_headers(request)
            return await handler(request)

        return self.operation(operation, checked)

    async def token(self, request: web.Request) -> web.Response:
        """Fact sheet 2: JSON as documented; a form and HTTP Basic as some clients have it."""
        given = await json_object(request) or dict(await request.post())
        user, password = basic_credentials(request) or ("", "")
        client = (given.get("client_id") or user, given.get("client_secret") or password)
        if client != (self.config.client_id, self.config.client_secret):
            return token_error("invalid_client", "Invalid client authentication")
        if given.get("grant_type") != "client_credentials":
            return token_error("unsupported_grant_type", "Unsupported grant type")
        token = secrets.token_urlsafe(24)
        self.store.memory.keep_token(self.dialect, token, seconds=TOKEN_SECONDS, is_only=False)
        body = {"access_token": token, "expires_in": str(TOKEN_SECONDS), "token_type": "bearer"}
        return answer(body)

    async def signed_body(self, request: web.Request, forbidden: str) -> Json:
        """The JSON body, with its signature where messages are signed. Raises Refused."""
        must_be_signed = self.behaviour.of(self.name, "message_signing")
        if must_be_signed and not is_signed(await request.read(), request.headers, self.key):
            raise Refused(refusal(response_code=forbidden, message="Forbidden"))
        body = await json_object(request)
        if body is None:
            raise Refused(router_error(400, "ROUTER003"))
        return body

    def new_receipt(self) -> str:
        """Like MP210603.1234.L06941."""
        return f"MP{self.dated_number('L')}"

    def dated_number(self, letter: str) -> str:
        """Like 210603.1234.L06941, never the same twice."""
        number = self.store.memory.throw("airtel_money receipt")
        return f"{datetime.now(UTC):%y%m%d.%H%M}.{letter}{number:05d}"

    def error(self, status: int, code: str = "") -> web.Response:
        if code.startswith("ROUTER"):
            return router_error(status, code)
        if code.startswith("DP"):
            return refusal(status, response_code=code, message="Something Went Wrong")
        if code:
            return esb_refusal(code, status=status)
        message = "Something Went Wrong"
        return refusal(status, "500", response_code="DP00800001005", message=message)

    def no_such_path(self, status: int) -> web.Response:
        return answer({"status_message": "No route", "status_code": str(status)}, status)

    def public_keys(self) -> dict[str, str]:
        return {"AIRTEL_PUBLIC_KEY": self.key.public_text}

    def _check_headers(self, request: web.Request) -> None:
        """Fact sheet 2, 3 and 13.8, with the real one's misleading words. Raises Refused."""
        if not self.store.memory.is_token(self.dialect, bearer_token(request)):
            description = "The access token is invalid or has expired"
            raise Refused(token_error("invalid_token", description, 401))
        country = request.headers.get("X-Country", "").upper()
        currency = request.headers.get("X-Currency", "").upper()
        if not country:
            raise Refused(router_error(400, "ROUTER110"))
        if country != self.config.country:
            raise Refused(router_error(400, "ROUTER006"))
        if not currency:
            missing = "Missing request header 'x-wallet-id' for method parameter of type String"
            raise Refused(refusal(result_code="ESB000008", message=missing))
        if currency != self.config.currency:
            raise Refused(router_error(400, "ROUTER112"))


def matches(pattern: re.Pattern[str], value: object) -> bool:
    """A field that is a string in the documents and a number with some clients."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return False
    return pattern.fullmatch(str(value)) is not None


def amount_of(value: object) -> int:
    """Whole shillings; 0 for what is none."""
    if isinstance(value, str):
        return int(value.partition(".")[0]) if _NUMBER.fullmatch(value) else 0
    return whole_amount(value) or 0


def parts(body: Json, *names: str) -> list[Json]:
    """Objects within the body. Raises Refused when one is missing."""
    found = [body.get(name) for name in names]
    if not all(isinstance(each, dict) for each in found):
        raise Refused(router_error(400, "ROUTER003"))
    return [each for each in found if isinstance(each, dict)]
