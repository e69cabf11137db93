"""The simulator's own interface for scripts, under /control/: the truth, the settings, the hand."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.bank import AlreadyReversed, NoSuchReceipt
from simulator.behaviour import MSISDN, InvalidChange
from simulator.bills import NoPaybill
from simulator.prompts import NoSuchPrompt, NotWaiting
from simulator.provider import Provider, World
from simulator.sms import SmsApi
from simulator.statement import as_csv, statement
from simulator.store.bills import Bill
from simulator.store.money import Account, Movement, Type
from simulator.store.prompts import WAITING, Prompt
from simulator.store.texts import Text
from simulator.store.transfers import Transfer

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REFERENCE = re.compile(r"[^\x00-\x1f]{1,50}")
_TIMES_MAX = 10
_BAD_REQUEST = (InvalidChange, NoPaybill)
_NOT_FOUND = (NoSuchPrompt, NoSuchReceipt)
_CONFLICT = (NotWaiting, AlreadyReversed)


class Malformed(Exception):
    """The body is not what the path takes; `str()` is a sentence."""


class Control:
    """Answers in JSON; an error is `{"error": "<sentence>"}` with 400, 404 or 409."""

    def __init__(
        self, world: World, providers: Iterable[Provider], gateways: Iterable[SmsApi]
    ) -> None:
        self._world = world
        self._store = world.store
        self._behaviour = world.behaviour
        self._prompts = world.prompts
        self._providers = tuple(providers)
        self._gateways = tuple(gateways)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/health", self.health),
            web.get("/control/truth", self.truth),
            web.get("/control/statement/{provider}", self.statement),
            web.get("/control/keys", self.keys),
            web.get("/control/config", self.config),
            web.post("/control/config", _explained(self.change_config)),
            web.get("/control/texts", self.texts),
            web.get("/control/prompts", self.prompts),
            web.post(r"/control/prompts/{id:\d+}/answer", _explained(self.answer)),
            web.post("/control/paybill", _explained(self.pay_bill)),
            web.post("/control/reverse", _explained(self.reverse)),
            web.post("/control/opt-out", _explained(self.opt_out)),
            web.post("/control/reset", self.reset),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def truth(self, _: web.Request) -> web.Response:
        """The money that really moved, where it is now, and how many prompts are in which state.

        `total` and `movements` are the collections; bills and what went out have lists of theirs.
        """
        movements = self._store.money.movements()
        collections = [each for each in movements if each.type is Type.COLLECTION]
        return web.json_response(
            {
                "currency": "TZS",
                "total": sum(movement.amount for movement in collections),
                "movements": [_movement(movement) for movement in collections],
                "bills": [_movement(each) for each in movements if each.type is Type.BILL],
                "outgoing": [_movement(each) for each in movements if each.amount < 0],
                "refused": [_transfer(each) for each in self._store.transfers.refused()],
                "accounts": {name: self._accounts(name) for name in self._names},
                "wallets": self._store.money.wallets(),
                "prompts": {WAITING: 0, **self._store.prompts.by_state()},
            }
        )

    async def statement(self, request: web.Request) -> web.Response:
        """What the provider would have us download: JSON, or with `?format=csv` the lines."""
        provider = request.match_info["provider"]
        if provider not in self._names:
            return _error(404, f"{provider} is not simulated; here are {', '.join(self._names)}.")
        content = statement(provider, self._store, self._world.bank)
        if request.query.get("format") == "csv":
            return web.Response(text=as_csv(content), content_type="text/csv")
        return web.json_response(content)

    async def keys(self, _: web.Request) -> web.Response:
        """The public keys that a client must encrypt with, by the settings that want them."""
        keys: dict[str, str] = {}
        for provider in self._providers:
            keys |= provider.public_keys()
        return web.json_response(keys)

    async def config(self, _: web.Request) -> web.Response:
        return web.json_response(self._behaviour.settings)

    async def change_config(self, request: web.Request) -> web.Response:
        """Merge a part of the settings; answers all of them."""
        self._behaviour.change(await _object(request))
        return web.json_response(self._behaviour.settings)

    async def prompts(self, _: web.Request) -> web.Response:
        """The phones that are asked now, the oldest first."""
        waiting = [_prompt(prompt) for prompt in self._store.prompts.waiting()]
        return web.json_response({"prompts": waiting})

    async def texts(self, request: web.Request) -> web.Response:
        """The SMS of one phone, `?msisdn=255…`, the oldest first."""
        texts = self._store.texts.to(request.query.get("msisdn", ""))
        return web.json_response({"texts": [_text(text) for text in texts]})

    async def answer(self, request: web.Request) -> web.Response:
        """Be the hand: `{"pin": "1234"}`, `{"decline": true}` or `{"ignore": true}`."""
        prompt_id = int(request.match_info["id"])
        match await _object(request):
            case {"pin": str(pin), **rest} if not rest:
                prompt = self._prompts.enter_pin(prompt_id, pin)
            case {"decline": True, **rest} if not rest:
                prompt = self._prompts.decline(prompt_id)
            case {"ignore": True, **rest} if not rest:
                prompt = self._prompts.ignore(prompt_id)
            case _:
                raise Malformed('Send {"pin": "1234"}, {"decline": true} or {"ignore": true}.')
        return web.json_response({"prompt": _prompt(prompt)})

    async def pay_bill(self, request: web.Request) -> web.Response:
        """Be a customer who pays a bill from the phone's own menu; `times` repeats the question."""
        match await _object(request):
            case {
                "provider": str(provider),
                "msisdn": str(msisdn),
                "reference": str(reference),
                "amount": int(amount),
                **rest,
            } if (
                MSISDN.fullmatch(msisdn)
                and _REFERENCE.fullmatch(reference)
                and amount > 0
                and rest.keys() <= {"times"}
            ):
                times = rest.get("times", 1)
            case _:
                raise Malformed(
                    'Send {"provider": "tigo_pesa", "msisdn": "255714000001", '
                    '"reference": "KNK1", "amount": 1000}.'
                )
        if not (isinstance(times, int) and 1 <= times <= _TIMES_MAX):
            raise Malformed(f"times must be a number from 1 to {_TIMES_MAX}.")
        bill = await self._world.bills.pay(
            provider, msisdn=msisdn, reference=reference, amount=amount, times=times
        )
        return web.json_response({"bill": _bill(bill)})

    async def reverse(self, request: web.Request) -> web.Response:
        """Be the provider that gives a collection back by itself: `{"receipt": "…"}`."""
        match await _object(request):
            case {"receipt": str(receipt), **rest} if not rest:
                movement = self._world.bank.reverse(receipt)
            case _:
                raise Malformed('Send {"receipt": "…"}.')
        return web.json_response({"movement": _movement(movement)})

    async def opt_out(self, request: web.Request) -> web.Response:
        """Be whoever has the phone and wants no more SMS: `{"msisdn": "255…"}`."""
        match await _object(request):
            case {"msisdn": str(msisdn), **rest} if MSISDN.fullmatch(msisdn) and not rest:
                for gateway in self._gateways:
                    gateway.opt_out(msisdn)
            case _:
                raise Malformed('Send {"msisdn": "255754123456"}.')
        return web.json_response({"status": "ok"})

    async def reset(self, _: web.Request) -> web.Response:
        """Forget everything but the keys: money, prompts, tokens, settings."""
        self._store.reset()
        self._behaviour.reset()
        return web.json_response({"status": "ok"})

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys(provider.name for provider in self._providers))

    def _accounts(self, provider: str) -> dict[str, int]:
        return {account: self._world.bank.account(provider, account).now for account in Account}


def _explained(handler: Handler) -> Handler:
    async def explaining(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Malformed, *_BAD_REQUEST) as error:
            return _error(400, str(error))
        except _NOT_FOUND as error:
            return _error(404, str(error))
        except _CONFLICT as error:
            return _error(409, str(error))

    return explaining


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


async def _object(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Malformed("The body must be a JSON object.") from error
    if not isinstance(body, dict):
        raise Malformed("The body must be a JSON object.")
    return body


def _prompt(prompt: Prompt) -> Json:
    return {
        "id": prompt.id,
        "provider": prompt.provider,
        "dialect": prompt.dialect,
        "msisdn": prompt.msisdn,
        "amount": prompt.amount,
        "text": prompt.text,
        "reference": prompt.reference,
        "references": prompt.names,
        "scenario": prompt.scenario,
        "state": prompt.state,
        "is_ignored": prompt.is_ignored,
        "receipt": prompt.receipt,
        "created_at": _time(prompt.created_at),
        "expires_at": _time(prompt.expires_at),
    }


def _movement(movement: Movement) -> Json:
    return {
        "type": movement.type,
        "provider": movement.provider,
        "account": movement.account,
        "reference": movement.reference,
        "our_reference": movement.our_reference,
        "references": movement.names,
        "receipt": movement.receipt,
        "original_receipt": movement.original_receipt,
        "msisdn": movement.msisdn,
        "amount": movement.amount,
        "moved_at": _time(movement.moved_at),
    }


def _transfer(transfer: Transfer) -> Json:
    return {
        "type": transfer.type,
        "provider": transfer.provider,
        "our_reference": transfer.our_reference,
        "msisdn": transfer.msisdn,
        "amount": transfer.amount,
        "reason": transfer.reason,
    }


def _bill(bill: Bill) -> Json:
    return {
        "id": bill.id,
        "provider": bill.provider,
        "msisdn": bill.msisdn,
        "reference": bill.reference,
        "amount": bill.amount,
        "receipt": bill.receipt,
        "state": bill.state,
        "words": bill.words,
        "questions": bill.questions,
    }


def _text(text: Text) -> Json:
    return {
        "gateway": text.gateway,
        "reference": text.reference,
        "sender": text.sender,
        "msisdn": text.msisdn,
        "text": text.text,
        "parts": text.parts,
        "receiving": text.receiving,
        "created_at": _time(text.created_at),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
