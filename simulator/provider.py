"""What all stand-ins have in common: tokens, waiting times, faults, the special numbers."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from simulator.answers import HangUp, cut, spoiled
from simulator.bank import Bank
from simulator.behaviour import Behaviour, Fault
from simulator.bills import Bills
from simulator.callbacks import CallbackSender
from simulator.payouts import Payouts
from simulator.phones import Outcome, Payout, Scenario
from simulator.prompts import Prompts
from simulator.store import Store
from simulator.store.calls import CallbackRequest
from simulator.store.prompts import Order, Prompt
from simulator.store.transfers import Transfer

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]
StreamHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PHONE = re.compile(r"\b255[67][0-9]{8}\b")
_SHORT_PHONE = re.compile(r'"msisdn"\s*:\s*"?([67][0-9]{8})\b')
_NAME = re.compile(r"[\w-]{5,64}")


class Refused(Exception):
    """A check found something wrong; `response` is the whole answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.text)
        self.response = response


def answer(body: Json | list[Json], status: int = 200) -> web.Response:
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


def compact(body: Json) -> bytes:
    """JSON as the providers write it in their calls."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class World:
    """What every provider works with. `merchant` is the name that phones show."""

    store: Store
    behaviour: Behaviour
    bank: Bank
    prompts: Prompts
    payouts: Payouts
    bills: Bills
    sender: CallbackSender
    merchant: str


class Api(ABC):
    """One API of one company. `prefixes` is where its paths start."""

    name: ClassVar[str]
    dialect: ClassVar[str]
    title: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]]

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.store
        self.behaviour = world.behaviour

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Its API."""

    @abstractmethod
    def error(self, status: int, code: str = "") -> web.Response:
        """Its error body; without a code, the one of an internal error."""

    @abstractmethod
    def no_such_path(self, status: int) -> web.Response:
        """Its answer to a wrong path (404) or method (405)."""

    def operation(self, name: str, handler: Handler) -> StreamHandler:
        """The handler with the operation's waiting time and faults; it may raise Refused."""

        async def behaving(request: web.Request) -> web.StreamResponse:
            phone = await self._phone_in(request) if self.behaviour.is_run else ""
            longer, fault = self.behaviour.dice(self.name, name, phone)
            try:
                response = await self._answered(request, handler, fault)
            except HangUp:
                return cut(request)
            await asyncio.sleep(self.behaviour.latency(self.name, name) + longer)
            if fault is None:
                return response
            return await spoiled(request, response, fault.answer_as, self.behaviour)

        return behaving

    def broken(self, *, is_cut: bool) -> web.Response:
        """No use for a client: a 500, or (HangUp) no answer at all."""
        if is_cut:
            raise HangUp
        return self.error(500)

    async def _answered(
        self, request: web.Request, handler: Handler, fault: Fault | None
    ) -> web.Response:
        if fault is None:
            return await _handled(request, handler)
        if not fault.is_after:
            return self.error(fault.status, fault.code)
        response = await _handled(request, handler)
        is_real = fault.answer_as in ("truncated", "gigantic", "drip")
        return response if is_real else self.error(fault.status, fault.code)

    async def _phone_in(self, request: web.Request) -> str:
        """Whom a call is about: a number in it, or the number of a reference in it."""
        text = f"{request.path_qs} {(await request.read()).decode(errors='replace')}"
        if found := _PHONE.search(text):
            return found.group()
        if found := _SHORT_PHONE.search(text):
            return f"255{found.group(1)}"
        for name in _NAME.findall(text):
            prompt = self.store.prompts.known_as(self.dialect, name)
            transfer = prompt or self.store.transfers.known_as(self.dialect, name)
            if transfer:
                return transfer.msisdn
        return ""


class Provider(Api):
    """One dialect of one provider's API of money."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.bank = world.bank
        self.merchant = world.merchant
        self.prompts = world.prompts
        self.payouts = world.payouts
        world.prompts.register(self.dialect, self)

    @abstractmethod
    def new_receipt(self) -> str:
        """A receipt in its own style, never the same twice."""

    @abstractmethod
    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """How it tells the merchant."""

    def public_keys(self) -> dict[str, str]:
        """What its clients encrypt with, by the names of the settings that want it."""
        return {}

    def forged(self, request: CallbackRequest) -> CallbackRequest:
        """The same call from somebody else, who may only know another URL."""
        url = self.behaviour.of(self.name, "callback")["forged_url"]
        return CallbackRequest(url or request.url, request.headers, request.body)

    def paid(self, prompt: Prompt, receipt: str) -> list[CallbackRequest]:
        """What else the merchant hears of a payment: with most, nothing."""
        return []

    async def push(self, order: Order, accepted: web.Response) -> web.Response:
        """Put the prompt on the phone and answer as the number's scenario has it.

        Raises DuplicateReference, HangUp.
        """
        scenario = self.scenario_of(order)
        prompt = self.prompts.open(order, scenario)
        if scenario is Scenario.CALLBACK_FIRST:
            await self.prompts.end_and_call_back(prompt, Outcome.PAID)
            await asyncio.sleep(self.behaviour.seconds("early_seconds"))
        elif scenario in (Scenario.ERROR_AFTER_CHARGING, Scenario.RESPONSE_LOST):
            delay = self.behaviour.seconds("answer_seconds")
            self.prompts.end(prompt, Outcome.PAID, after_seconds=delay)
            return self.broken(is_cut=scenario is Scenario.RESPONSE_LOST)
        elif scenario is Scenario.SLOW:
            await asyncio.sleep(self.behaviour.seconds("slow_seconds"))
        return accepted

    async def told(self, transfer: Transfer, response: web.Response) -> web.Response:
        """Answer about money that was sent, as the payee's number has it. Raises HangUp."""
        match transfer.scenario:
            case Payout.ERROR_AFTER_PAYING:
                return self.broken(is_cut=False)
            case Payout.RESPONSE_LOST:
                return self.broken(is_cut=True)
            case Payout.SLOW:
                await asyncio.sleep(self.behaviour.seconds("slow_seconds"))
        return response

    def scenario_of(self, order: Order) -> Scenario:
        return self.behaviour.scenario_of(order.msisdn)

    def is_registered(self, msisdn: str) -> bool:
        """Whether the number has a wallet with this provider."""
        return self.behaviour.is_registered(msisdn)

    def early_answer(self, prompt: Prompt) -> str:
        """What an enquiry says too soon: `truth`, `in_progress`, or `not_found` until settled."""
        seconds = self.behaviour.of(self.name, "early_enquiry_seconds")
        early = str(self.behaviour.of(self.name, "early_enquiry"))
        is_early = time.time() - prompt.created_at < seconds
        return early if is_early else "truth"


async def _handled(request: web.Request, handler: Handler) -> web.Response:
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response
