"""What the three stand-ins have in common: tokens, waiting times, faults, the special numbers."""

from __future__ import annotations

import asyncio
import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from simulator.behaviour import Behaviour
from simulator.phones import Outcome, Scenario
from simulator.prompts import Prompts
from simulator.store import CallbackRequest, Order, Prompt, Store

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def bearer_token(request: web.Request) -> str:
    """The token of an `Authorization: Bearer` header in any case; empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic_credentials(request: web.Request) -> tuple[str, str] | None:
    """User and password of an `Authorization: Basic` header; None without a readable one."""
    scheme, _, encoded = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


async def json_object(request: web.Request) -> Json | None:
    """The body, if it is a JSON object."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def whole_amount(value: object) -> int | None:
    """Whole shillings from a JSON number such as 1000 or 1000.0; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class World:
    """What every provider works with. `merchant` is the name that phones show."""

    store: Store
    behaviour: Behaviour
    prompts: Prompts
    merchant: str


class Provider(ABC):
    """One provider's API. `prefixes` is where its paths start."""

    name: ClassVar[str]
    title: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]

    def __init__(self, world: World) -> None:
        self.store = world.store
        self.behaviour = world.behaviour
        self.merchant = world.merchant
        self._prompts = world.prompts
        world.prompts.register(self.name, self)

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Its API."""

    @abstractmethod
    def new_receipt(self, prompt: Prompt) -> str:
        """A receipt in its own style, never the same twice."""

    @abstractmethod
    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """How it tells the merchant."""

    @abstractmethod
    def error(self, status: int, code: str = "") -> web.Response:
        """Its error body; without a code, the one of an internal error."""

    @abstractmethod
    def no_such_path(self, status: int) -> web.Response:
        """Its answer to a wrong path (404) or method (405)."""

    def operation(self, name: str, handler: Handler) -> Handler:
        """The handler with the operation's waiting time and faults."""

        async def behaving(request: web.Request) -> web.StreamResponse:
            fault = self.behaviour.fault(self.name, name)
            if fault and not fault.is_after:
                response: web.StreamResponse = self.error(fault.status, fault.code)
            else:
                response = await handler(request)
            await asyncio.sleep(self.behaviour.latency(self.name, name))
            return self.error(fault.status, fault.code) if fault else response

        return behaving

    async def push(self, order: Order, accepted: web.Response) -> web.Response:
        """Put the prompt on the phone and answer as the number's scenario has it.

        Raises DuplicateReference.
        """
        scenario = self.scenario_of(order)
        prompt = self._prompts.open(order, scenario)
        if scenario is Scenario.CALLBACK_FIRST:
            await self._prompts.end_and_call_back(prompt, Outcome.PAID)
            await asyncio.sleep(self.behaviour.seconds("early_seconds"))
        elif scenario is Scenario.ERROR_AFTER_CHARGING:
            delay = self.behaviour.seconds("answer_seconds")
            self._prompts.end(prompt, Outcome.PAID, after_seconds=delay)
            return self.error(500)
        elif scenario is Scenario.SLOW:
            await asyncio.sleep(self.behaviour.seconds("slow_seconds"))
        return accepted

    def scenario_of(self, order: Order) -> Scenario:
        return self.behaviour.scenario_of(order.msisdn)

    def is_registered(self, msisdn: str) -> bool:
        """Whether the number has a wallet with this provider."""
        return self.behaviour.scenario_of(msisdn) is not Scenario.NOT_REGISTERED
