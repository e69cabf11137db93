"""One application of the Open API: the session, who may ask, and how results are told."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.config import OpenApiConfig
from simulator.keys import key_pair
from simulator.mpesa_openapi.codes import CODES, refusal
from simulator.mpesa_openapi.fields import checked
from simulator.phones import Outcome
from simulator.provider import (
    Json,
    Provider,
    Refused,
    World,
    answer,
    bearer_token,
    compact,
    json_object,
)
from simulator.store.calls import CallbackRequest
from simulator.store.prompts import Prompt

KEY_BITS = 4096  # as the published sandbox key
LETTERS = string.ascii_letters + string.digits

Asked = Callable[[dict[str, str]], Awaitable[web.Response]]


class OpenApiApp(Provider):
    """What every call needs: its paths exist for the sandbox and for live, as one."""

    name = "vodacom_mpesa"
    dialect = "mpesa_openapi"
    title = "M-Pesa"
    prefixes = ("/sandbox/ipg/", "/openapi/ipg/")

    def __init__(self, config: OpenApiConfig, world: World) -> None:
        super().__init__(world)
        self.config = config
        self.key = key_pair(self.store, self.dialect, config.private_key, bits=KEY_BITS)

    def route(
        self, method: str, path: str, operation: str, handler: Asked, *fields: str
    ) -> web.RouteDef:
        """A call of a live session with these fields in its body, or for GET in its query."""

        async def asked(request: web.Request) -> web.Response:
            return await handler(await self._fields(request, fields))

        return self._route(method, path, self.operation(operation, asked))

    def session_route(self) -> web.RouteDef:
        return self._route("GET", "getSession", self.operation("token", self.get_session))

    async def get_session(self, request: web.Request) -> web.Response:
        """Fact sheet 1.2. A fresh session is of no use for a while."""
        if request.match_info["market"] != self.config.market:
            return refusal("INS-998")
        if self.config.api_key not in self._decrypted(request) or not self._is_trusted(request):
            return refusal("INS-989")
        session = "".join(secrets.choice(LETTERS) for _ in range(32))
        self.store.memory.keep_token(
            self.dialect,
            session,
            seconds=self.behaviour.of(self.name, "session_seconds"),
            delay_seconds=self.behaviour.of(self.name, "session_delay_seconds"),
            is_only=False,
        )
        body = {
            "output_ResponseCode": "INS-0",
            "output_ResponseDesc": CODES["INS-0"][1],
            "output_SessionID": session,
        }
        return answer(body)

    @property
    def is_sync(self) -> bool:
        """Whether results come in the answers."""
        mode = self.behaviour.of(self.name, "openapi_mode")
        return str(self.config.mode if mode == "configured" else mode) == "sync"

    def result(
        self, *, conversation: str, ours: str, code: str, transaction: str
    ) -> CallbackRequest:
        """The call of asynchronous mode. Fact sheet 1.4."""
        body = {
            "input_OriginalConversationID": conversation,
            "input_TransactionID": transaction,
            "input_ResultCode": code,
            "input_ResultDesc": CODES.get(code, (0, "Unknown"))[1],
            "input_ThirdPartyConversationID": ours,
        }
        return CallbackRequest(
            self.config.callback_url, {"Content-Type": "application/json"}, compact(body)
        )

    def code_of(self, outcome: Outcome) -> str:
        """Fact sheet 1.8: neither a wrong PIN nor a refusal has a code of its own."""
        match outcome:
            case Outcome.PAID:
                return "INS-0"
            case Outcome.INSUFFICIENT_FUNDS:
                return str(self.behaviour.of(self.name, "no_funds_code"))
            case Outcome.EXPIRED:
                return "INS-9"
            case _:
                return "INS-6"

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        return self.result(
            conversation=prompt.alias,
            ours=prompt.reference,
            code=self.code_of(outcome),
            transaction=receipt or "",
        )

    def new_receipt(self) -> str:
        """Twelve letters and digits."""
        return "".join(secrets.choice(LETTERS) for _ in range(12))

    def error(self, status: int, code: str = "") -> web.Response:
        return refusal(code, status=status) if code else self._fault(status)

    def no_such_path(self, status: int) -> web.Response:
        return self._fault(status)

    def public_keys(self) -> dict[str, str]:
        return {"MPESA_OPENAPI_PUBLIC_KEY": self.key.public_text}

    async def _fields(self, request: web.Request, fields: tuple[str, ...]) -> dict[str, str]:
        if request.match_info["market"] != self.config.market:
            raise Refused(refusal("INS-998"))
        sessions = self._decrypted(request)
        is_live = any(self.store.memory.is_token(self.dialect, each) for each in sessions)
        if not (is_live and self._is_trusted(request)):
            raise Refused(self._fault(401))
        given = await _given(request)
        if given is None:
            raise Refused(refusal("INS-21"))
        return checked(given, fields, service_provider_code=self.config.service_provider_code)

    def _decrypted(self, request: web.Request) -> list[str]:
        """What the bearer may mean. OAEP does not work."""
        found = self.key.decrypted(bearer_token(request), with_oaep=False)
        return [each.decode(errors="replace") for each in found]

    def _is_trusted(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin", "")
        return bool(origin) if self.config.origin == "*" else origin == self.config.origin

    def _fault(self, status: int) -> web.Response:
        """A gateway's answer, without a code."""
        return answer({"output_error": _phrase(status)}, status)

    def _route(
        self, method: str, path: str, handler: Callable[..., Awaitable[web.StreamResponse]]
    ) -> web.RouteDef:
        full = "/{env:sandbox|openapi}/ipg/v2/{market}/" + path + "{slash:/?}"
        return web.route(method, full, handler)


async def _given(request: web.Request) -> Json | None:
    """The fields of a call; None for a body that is no JSON object.

    Fact sheet 1.6 has a GET's in its query. python-pesa 0.7 and @openpesa/pesa-js 0.0.11 write them as
    JSON in its body, so those are read where the query is empty.
    """
    if request.method != "GET" or (request.can_read_body and not request.query):
        return await json_object(request)
    return dict(request.query)


def _phrase(status: int) -> str:
    """The usual words for a status."""
    return {401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}.get(status, "Error")
