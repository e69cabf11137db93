"""The page that shows the phones: prompts to answer by hand, and what became of the others."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from simulator.phones import RIGHT_PIN, SPECIAL_ENDINGS, Scenario
from simulator.prompts import NoSuchPrompt, NotWaiting
from simulator.provider import Provider, World
from simulator.store.calls import Callback
from simulator.store.prompts import Prompt

HISTORY = 30
DAR_ES_SALAAM = timezone(timedelta(hours=3))

_FILES = Path(__file__).with_name("handset_page")
_WORDS = {
    "paid": "Paid",
    "wrong_pin": "Wrong PIN",
    "insufficient_funds": "Too little money",
    "cancelled": "Declined",
    "expired": "No answer",
    "not_permitted": "Not permitted",
    Scenario.PAYS: "Pays",
    Scenario.NEVER_ANSWERS: "Never answers",
    Scenario.CALLBACK_LOST: "Pays; the callback is lost",
    Scenario.CALLBACK_TWICE: "Pays; the callback comes twice",
    Scenario.CALLBACK_FIRST: "Pays; the callback overtakes the answer",
    Scenario.ERROR_AFTER_CHARGING: "Pays; the provider answers 500",
    Scenario.SLOW: "Pays; the provider answers slowly",
}


class Handset:
    """Works with plain forms; the script only refreshes the page and keeps what is being typed."""

    def __init__(self, world: World, providers: Iterable[Provider]) -> None:
        self._store = world.store
        self._prompts = world.prompts
        self._titles = {provider.name: provider.title for provider in providers}
        self._page = _template("page.html")
        self._phone = _template("phone.html")
        self._keypad = _template("keypad.html")
        self._event = _template("event.html")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get(r"/prompts/{id:\d+}", self.one_phone),
            web.post(r"/prompts/{id:\d+}/answer", self.answer),
            web.get(r"/{file:page\.(?:css|js)}", self.file),
        ]

    async def page(self, _: web.Request) -> web.Response:
        return self._shown(self._store.prompts.waiting())

    async def one_phone(self, request: web.Request) -> web.Response:
        """One prompt's own page."""
        prompt = self._store.prompts.get(int(request.match_info["id"]))
        if prompt is None:
            raise web.HTTPNotFound(text="There is no such prompt.")
        return self._shown([prompt] if prompt.is_waiting else [])

    async def answer(self, request: web.Request) -> web.Response:
        """The form of a phone. An answer that comes too late changes nothing."""
        prompt_id = int(request.match_info["id"])
        form = await request.post()
        with contextlib.suppress(NoSuchPrompt, NotWaiting):
            match form.get("action"):
                case "decline":
                    self._prompts.decline(prompt_id)
                case "ignore":
                    self._prompts.ignore(prompt_id)
                case _:
                    self._prompts.enter_pin(prompt_id, str(form.get("pin", "")))
        raise web.HTTPSeeOther("/")

    async def file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_FILES / request.match_info["file"])

    def _shown(self, waiting: list[Prompt]) -> web.Response:
        ended = self._store.prompts.ended(HISTORY)
        html = self._page.substitute(
            phones="".join(self._phone_of(prompt) for prompt in waiting),
            history="".join(self._event_of(prompt) for prompt in ended),
            waiting=len(waiting),
            total=f"{sum(movement.amount for movement in self._store.money.movements()):,}",
            pin=RIGHT_PIN,
            numbers="".join(
                f"<li><code>… {ending[:3]} {ending[3:]}</code> {_words(scenario)}</li>"
                for ending, scenario in SPECIAL_ENDINGS.items()
            ),
        )
        return web.Response(text=html, content_type="text/html")

    def _phone_of(self, prompt: Prompt) -> str:
        if prompt.scenario is not Scenario.HAND:
            answering = f'<p class="alone">By itself: {_words(prompt.scenario)}</p>'
        elif prompt.is_ignored:
            answering = '<p class="alone">Left lying; it will expire.</p>'
        else:
            answering = self._keypad.substitute(id=prompt.id)
        return self._phone.substitute(
            id=prompt.id,
            provider=prompt.provider,
            title=escape(self._titles.get(prompt.provider, prompt.provider)),
            number=_number(prompt.msisdn),
            clock=_clock(time.time(), "%H:%M"),
            amount=f"{prompt.amount:,}",
            text=escape(prompt.text),
            answering=answering,
            state=f"{prompt.id}-{'ignored' if prompt.is_ignored else 'asked'}",
            seconds=max(0, round(prompt.expires_at - time.time())),
            lifetime=max(1, round(prompt.expires_at - prompt.created_at)),
        )

    def _event_of(self, prompt: Prompt) -> str:
        callbacks = self._store.calls.about(prompt.about)
        return self._event.substitute(
            provider=prompt.provider,
            title=escape(self._titles.get(prompt.provider, prompt.provider)),
            time=_clock(prompt.ended_at or prompt.created_at, "%H:%M:%S"),
            number=_number(prompt.msisdn),
            amount=f"{prompt.amount:,}",
            state=prompt.state,
            words=_words(prompt.state),
            receipt=escape(prompt.receipt or ""),
            reference=escape(prompt.reference),
            callbacks="".join(_callback_html(callback) for callback in callbacks) or "none",
        )


def _template(name: str) -> Template:
    return Template((_FILES / name).read_text(encoding="utf-8"))


def _words(name: str) -> str:
    return _WORDS.get(name, name)


def _number(msisdn: str) -> str:
    return f"+{msisdn[:3]} {msisdn[3:6]} {msisdn[6:9]} {msisdn[9:]}"


def _clock(seconds: float, form: str) -> str:
    return datetime.fromtimestamp(seconds, DAR_ES_SALAAM).strftime(form)


def _callback_html(callback: Callback) -> str:
    answer = escape(callback.answer or "", quote=True)
    if callback.started_at is None:
        return '<span class="call due">due</span>'
    if callback.ended_at is None:
        return '<span class="call due">under way</span>'
    good = "good" if callback.status and 200 <= callback.status < 300 else "bad"
    label = callback.status or "failed"
    return f'<span class="call {good}" title="{answer}">{label}</span>'
