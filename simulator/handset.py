"""The page that shows the phones: prompts to answer by hand, SMS, bills to pay, what happened."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from simulator.bills import NoPaybill
from simulator.phones import (
    PAYEE_ENDINGS,
    RIGHT_PIN,
    SMS_ENDINGS,
    SPECIAL_ENDINGS,
    Payout,
    Receiving,
    Scenario,
)
from simulator.prompts import NoSuchPrompt, NotWaiting
from simulator.provider import Api, World
from simulator.store.bills import Bill
from simulator.store.calls import Callback
from simulator.store.prompts import Prompt
from simulator.store.texts import Text
from simulator.store.transfers import Transfer

HISTORY = 30
DAR_ES_SALAAM = timezone(timedelta(hours=3))

_PAYEES_WORDS: dict[str, str] = {
    Payout.NOT_REGISTERED: "Not registered",
    Payout.TIMED_OUT_AFTER_PAYING: "Is paid; the provider says that it does not know",
    Payout.TIMED_OUT: "Is not paid; the provider says that it does not know",
    Payout.ERROR_AFTER_PAYING: "Is paid; the provider answers 500",
    Payout.RESPONSE_LOST: "Is paid; the connection is cut",
    Payout.CALLBACK_LOST: "Is paid; the result is lost",
    Payout.CALLBACK_TWICE: "Is paid; the result comes twice",
    Payout.IN_PROGRESS_FIRST: "Is paid; the provider says that it is in progress",
    Payout.SLOW: "Is paid; the provider answers slowly",
}
_SMS_WORDS: dict[str, str] = {
    Receiving.UNDELIVERED: "Is not delivered",
    Receiving.UNREPORTED: "Is delivered; nobody reports it",
    Receiving.REPORTED_TWICE: "Is delivered; the report comes twice",
    Receiving.REPORTED_BACKWARDS: "Is delivered; a report of less follows",
    Receiving.REPORTED_STRANGELY: "Is delivered; the report has a word that nobody knows",
    Receiving.REPORTED_FIRST: "Is delivered; the report overtakes the answer",
    Receiving.INVALID_NUMBER: "Is refused: not a number",
    Receiving.NO_CREDIT: "Is refused: the merchant has no credit",
    Receiving.ERROR_AFTER_SENDING: "Is sent; the provider answers 500",
    Receiving.RESPONSE_LOST: "Is sent; the connection is cut",
    Receiving.SLOW: "Is sent; the provider answers slowly",
    Receiving.IN_DOUBT: "Is sent; the provider says that it does not know",
}
_BILL_FORMS = {
    "provider": re.compile(r"[a-z_]+"),
    "phone": re.compile(r"(?:\+?255|0)?[67][0-9]{8}"),
    "reference": re.compile(r"[^\x00-\x1f]{1,50}"),
    "amount": re.compile(r"[1-9][0-9]{0,8}"),
}
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
    Scenario.RESPONSE_LOST: "Pays; the connection is cut",
    Scenario.PAYS_LATE: "Pays after the prompt has ended",
    Scenario.PAYS_PART: "Pays half",
    Scenario.PAYS_TOO_MUCH: "Pays twice as much",
    Scenario.SUCCESS_THEN_FAILURE: "Pays; callbacks of success, then failure",
    Scenario.FAILURE_THEN_SUCCESS: "Pays; callbacks of failure, then success",
    Scenario.OTHER_AMOUNT: "Pays; the callback names another amount",
    Scenario.OTHER_PHONE: "Pays; the callback names another phone",
    Scenario.FORGED_CALLBACK: "Declines; somebody forges a callback of success",
    Scenario.NOT_REGISTERED: "Not registered",
    "returned": "Returned",
    "asking": "Asking",
}


class Handset:
    """Works with plain forms; the script only refreshes the page and keeps what is being typed."""

    def __init__(self, world: World, apis: Iterable[Api]) -> None:
        self._store = world.store
        self._prompts = world.prompts
        self._bills = world.bills
        self._titles = {api.name: api.title for api in apis}
        self._page = _template("page.html")
        self._phone = _template("phone.html")
        self._keypad = _template("keypad.html")
        self._event = _template("event.html")
        self._sms = _template("sms.html")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get(r"/prompts/{id:\d+}", self.one_phone),
            web.post(r"/prompts/{id:\d+}/answer", self.answer),
            web.post("/bills", self.pay_bill),
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

    async def pay_bill(self, request: web.Request) -> web.Response:
        """The form of a phone's own menu. What cannot be a bill changes nothing."""
        form = await request.post()
        given = {name: str(form.get(name, "")).strip() for name in _BILL_FORMS}
        if all(_BILL_FORMS[name].fullmatch(value) for name, value in given.items()):
            with contextlib.suppress(NoPaybill):
                await self._bills.pay(
                    given["provider"],
                    msisdn=f"255{given['phone'][-9:]}",
                    reference=given["reference"],
                    amount=int(given["amount"]),
                )
        raise web.HTTPSeeOther("/")

    async def file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_FILES / request.match_info["file"])

    def _shown(self, waiting: list[Prompt]) -> web.Response:
        collections = [each for each in self._store.money.movements() if each.amount > 0]
        html = self._page.substitute(
            phones="".join(self._phone_of(prompt) for prompt in waiting),
            history="".join(self._history()),
            texts="".join(self._sms_of(text) for text in self._store.texts.last(HISTORY)),
            waiting=len(waiting),
            total=f"{sum(movement.amount for movement in collections):,}",
            pin=RIGHT_PIN,
            billers="".join(
                f'<option value="{name}">{escape(self._titles.get(name, name))}</option>'
                for name in self._bills.providers
            ),
            bill=_bill_words(self._store.bills.last(1)),
            numbers=_numbers(SPECIAL_ENDINGS, _WORDS),
            payees=_numbers(PAYEE_ENDINGS, _PAYEES_WORDS),
            readers=_numbers(SMS_ENDINGS, _SMS_WORDS),
        )
        return web.Response(text=html, content_type="text/html")

    def _history(self) -> list[str]:
        """The last prompts, bills and transfers, the newest first."""
        events = [
            *((each.ended_at or 0, self._event_of(each)) for each in self._ended()),
            *((each.created_at, self._bill_of(each)) for each in self._store.bills.last(HISTORY)),
            *(
                (each.created_at, self._transfer_of(each))
                for each in self._store.transfers.last(HISTORY)
            ),
        ]
        return [html for _, html in sorted(events, reverse=True)][:HISTORY]

    def _ended(self) -> list[Prompt]:
        return self._store.prompts.ended(HISTORY)

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
        return self._event.substitute(
            self._who(prompt),
            time=_clock(prompt.ended_at or prompt.created_at, "%H:%M:%S"),
            amount=f"{prompt.amount:,}",
            state=prompt.state,
            words=_words(prompt.state),
            receipt=escape(prompt.receipt or ""),
            reference=escape(prompt.reference),
            callbacks=self._calls_about(prompt.about),
        )

    def _bill_of(self, bill: Bill) -> str:
        asked = "".join(
            _call_html(question["status"], question["answer"]) for question in bill.questions
        )
        return self._event.substitute(
            self._who(bill),
            time=_clock(bill.created_at, "%H:%M:%S"),
            amount=f"{bill.amount:,}",
            state=bill.state,
            words=f"Bill {_words(bill.state).lower()}",
            receipt=escape(bill.receipt),
            reference=escape(bill.reference),
            callbacks=asked or self._calls_about(bill.about),
        )

    def _transfer_of(self, transfer: Transfer) -> str:
        words = transfer.type.capitalize()
        return self._event.substitute(
            self._who(transfer),
            time=_clock(transfer.created_at, "%H:%M:%S"),
            amount=f"-{transfer.amount:,}",
            state="paid" if transfer.is_paid else "refused",
            words=words if transfer.is_paid else f"{words}: {escape(transfer.reason)}",
            receipt=escape(transfer.receipt or ""),
            reference=escape(transfer.our_reference),
            callbacks=self._calls_about(transfer.about),
        )

    def _sms_of(self, text: Text) -> str:
        return self._sms.substitute(
            self._titled(text.gateway, text.msisdn),
            time=_clock(text.created_at, "%H:%M:%S"),
            sender=escape(text.sender),
            text=escape(text.text) if text.is_read else "<i>Not on the phone</i>",
            parts="1 SMS" if text.parts == 1 else f"{text.parts} SMS",
            callbacks=self._calls_about(text.about),
        )

    def _who(self, event: Prompt | Bill | Transfer) -> dict[str, str]:
        return self._titled(event.provider, event.msisdn)

    def _titled(self, provider: str, msisdn: str) -> dict[str, str]:
        return {
            "provider": provider,
            "title": escape(self._titles.get(provider, provider)),
            "number": _number(msisdn),
        }

    def _calls_about(self, what: str) -> str:
        return "".join(_callback_html(call) for call in self._store.calls.about(what)) or "none"


def _template(name: str) -> Template:
    return Template((_FILES / name).read_text(encoding="utf-8"))


def _words(name: str) -> str:
    return _WORDS.get(name, name)


def _number(msisdn: str) -> str:
    return f"+{msisdn[:3]} {msisdn[3:6]} {msisdn[6:9]} {msisdn[9:]}"


def _clock(seconds: float, form: str) -> str:
    return datetime.fromtimestamp(seconds, DAR_ES_SALAAM).strftime(form)


def _numbers(endings: Mapping[str, str], words: Mapping[str, str]) -> str:
    return "".join(
        f"<li><code>… {ending[:3]} {ending[3:]}</code> {words[name]}</li>"
        for ending, name in endings.items()
    )


def _bill_words(bills: list[Bill]) -> str:
    """What the phone that paid the last bill shows."""
    return "".join(
        f"{_number(bill.msisdn)}, {escape(bill.reference)}, TZS {bill.amount:,}: "
        f"<b>{_words(bill.state).lower()}</b>. {escape(bill.words)}"
        for bill in bills
    )


def _callback_html(callback: Callback) -> str:
    if callback.started_at is None:
        return '<span class="call due">due</span>'
    if callback.ended_at is None:
        return '<span class="call due">under way</span>'
    return _call_html(callback.status, callback.answer or "")


def _call_html(status: int | None, answer: str) -> str:
    good = "good" if status and 200 <= status < 300 else "bad"
    return f'<span class="call {good}" title="{escape(answer)}">{status or "failed"}</span>'
