"""The simulator's own interface for scripts, under /control/: the truth, the settings, the hand."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.behaviour import Behaviour, InvalidChange
from simulator.prompts import NoSuchPrompt, NotWaiting, Prompts
from simulator.store import WAITING, Movement, Prompt, Store

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Malformed(Exception):
    """The body is not what the path takes; `str()` is a sentence."""


class Control:
    """Answers in JSON; an error is `{"error": "<sentence>"}` with 400, 404 or 409."""

    def __init__(self, store: Store, behaviour: Behaviour, prompts: Prompts) -> None:
        self._store = store
        self._behaviour = behaviour
        self._prompts = prompts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/health", self.health),
            web.get("/control/truth", self.truth),
            web.get("/control/config", self.config),
            web.post("/control/config", _explained(self.change_config)),
            web.get("/control/prompts", self.prompts),
            web.post(r"/control/prompts/{id:\d+}/answer", _explained(self.answer)),
            web.post("/control/reset", self.reset),
        ]

    async def health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def truth(self, _: web.Request) -> web.Response:
        """The money that really moved, the wallets, and how many prompts are in which state."""
        movements = self._store.movements()
        return web.json_response(
            {
                "currency": "TZS",
                "total": sum(movement.amount for movement in movements),
                "movements": [_movement(movement) for movement in movements],
                "wallets": self._store.wallets(),
                "prompts": {WAITING: 0, **self._store.prompts_by_state()},
            }
        )

    async def config(self, _: web.Request) -> web.Response:
        return web.json_response(self._behaviour.settings)

    async def change_config(self, request: web.Request) -> web.Response:
        """Merge a part of the settings; answers all of them."""
        self._behaviour.change(await _object(request))
        return web.json_response(self._behaviour.settings)

    async def prompts(self, _: web.Request) -> web.Response:
        """The phones that are asked now, the oldest first."""
        waiting = [_prompt(prompt) for prompt in self._store.waiting_prompts()]
        return web.json_response({"prompts": waiting})

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

    async def reset(self, _: web.Request) -> web.Response:
        """Forget everything: money, prompts, tokens, settings."""
        self._store.reset()
        self._behaviour.reset()
        return web.json_response({"status": "ok"})


def _explained(handler: Handler) -> Handler:
    async def explaining(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (InvalidChange, Malformed) as error:
            return web.json_response({"error": str(error)}, status=400)
        except NoSuchPrompt as error:
            return web.json_response({"error": str(error)}, status=404)
        except NotWaiting as error:
            return web.json_response({"error": str(error)}, status=409)

    return explaining


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
        "provider": movement.provider,
        "reference": movement.reference,
        "references": movement.names,
        "receipt": movement.receipt,
        "msisdn": movement.msisdn,
        "amount": movement.amount,
        "moved_at": _time(movement.moved_at),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
