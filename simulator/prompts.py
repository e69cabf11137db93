"""The life of a prompt: shown on a phone, answered or not, told to the merchant."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from typing import Protocol

from simulator.bank import Bank
from simulator.behaviour import Behaviour
from simulator.callbacks import CallbackSender
from simulator.phones import RIGHT_PIN, Outcome, Scenario, Telling
from simulator.store import Store
from simulator.store.calls import Callback, CallbackRequest
from simulator.store.prompts import Order, Prompt

logger = logging.getLogger(__name__)


class Teller(Protocol):
    """What a dialect decides about a payment: its receipt, and how the merchant is told."""

    def new_receipt(self) -> str:
        """A receipt as the provider writes them, never the same twice."""

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """The call that tells the merchant of the end; there is a receipt when it was paid."""

    def forged(self, request: CallbackRequest) -> CallbackRequest:
        """The same call from somebody who is not the provider and does not know its secrets."""

    def paid(self, prompt: Prompt, receipt: str) -> list[CallbackRequest]:
        """What else the merchant hears of a payment."""


class NoSuchPrompt(Exception):
    """There is no prompt with that id."""


class NotWaiting(Exception):
    """The prompt has ended; it cannot be answered any more."""


class Prompts:
    """Opens, answers and ends prompts, each in the way of its dialect."""

    def __init__(
        self,
        store: Store,
        behaviour: Behaviour,
        bank: Bank,
        sender: CallbackSender,
        alarm: asyncio.Event,
    ) -> None:
        self._store = store
        self._behaviour = behaviour
        self._bank = bank
        self._sender = sender
        self._alarm = alarm
        self._tellers: dict[str, Teller] = {}
        self._watchers: dict[int, asyncio.Event] = {}

    def register(self, dialect: str, teller: Teller) -> None:
        """Tell who decides for a dialect."""
        self._tellers[dialect] = teller

    def open(self, order: Order, scenario: Scenario) -> Prompt:
        """Show a prompt on the phone. Raises DuplicateReference."""
        answered_at = time.time() + self._behaviour.latency(order.provider, "collect")
        if scenario is Scenario.SLOW:
            answered_at += self._behaviour.seconds("slow_seconds")
        acts_at = answered_at + self._behaviour.seconds("answer_seconds")
        prompt = self._store.prompts.open(
            order,
            scenario=scenario,
            answer_at=acts_at if scenario.outcome else None,
            expires_at=answered_at + self._behaviour.seconds("prompt_seconds"),
        )
        self._bank.wallet(prompt.msisdn)
        self._alarm.set()
        logger.info("prompt %d: %s TZS %d", prompt.id, prompt.provider, prompt.amount)
        return prompt

    def enter_pin(self, prompt_id: int, pin: str) -> Prompt:
        """What a hand does. Raises NoSuchPrompt, NotWaiting."""
        prompt = self._waiting(prompt_id)
        self.end(prompt, Outcome.PAID if pin == RIGHT_PIN else Outcome.WRONG_PIN)
        return self._found(prompt_id)

    def decline(self, prompt_id: int) -> Prompt:
        """What a hand does. Raises NoSuchPrompt, NotWaiting."""
        self.end(self._waiting(prompt_id), Outcome.CANCELLED)
        return self._found(prompt_id)

    def ignore(self, prompt_id: int) -> Prompt:
        """Leave it until it expires. Raises NoSuchPrompt, NotWaiting."""
        self._store.prompts.ignore(self._waiting(prompt_id).id)
        return self._found(prompt_id)

    async def ended(self, prompt_id: int) -> Prompt:
        """Wait for the end of a prompt."""
        while self._found(prompt_id).is_waiting:
            await self._watchers.setdefault(prompt_id, asyncio.Event()).wait()
        return self._found(prompt_id)

    def end(self, prompt: Prompt, outcome: Outcome, *, after_seconds: float = 0) -> list[Callback]:
        """End a prompt and queue its callbacks; a wallet too empty cannot pay."""
        amount = prompt.scenario.paid_of(prompt.amount)
        if outcome is Outcome.PAID and self._bank.wallet(prompt.msisdn) < amount:
            outcome = Outcome.INSUFFICIENT_FUNDS
        teller = self._tellers[prompt.dialect]
        receipt = teller.new_receipt() if outcome is Outcome.PAID else None
        with self._store.transaction():
            self._store.prompts.end(
                prompt.id, outcome, receipt=receipt, late_at=self._late_at(prompt, outcome)
            )
            if receipt:
                self._bank.collect(prompt, amount, receipt)
            calls = self._tell(
                dataclasses.replace(prompt, amount=amount), outcome, receipt, after_seconds
            )
        watcher = self._watchers.pop(prompt.id, None)
        if watcher:
            watcher.set()
        self._alarm.set()
        logger.info("prompt %d: %s %s", prompt.id, outcome, receipt or "")
        return calls

    async def end_and_call_back(self, prompt: Prompt, outcome: Outcome) -> None:
        """End a prompt and wait until its callbacks are answered."""
        for callback in self.end(prompt, outcome):
            await self._sender.send(callback)

    def end_due(self, now: float) -> None:
        """End the prompts whose phone answers by itself or too late, and those that expired."""
        for prompt in self._store.prompts.due(now):
            if prompt.is_waiting:
                answers = prompt.answer_at is not None and prompt.answer_at <= prompt.expires_at
                outcome = prompt.scenario.outcome if answers else None
                self.end(prompt, outcome or Outcome.EXPIRED)
            else:
                self.end(prompt, Outcome.PAID)

    def _late_at(self, prompt: Prompt, outcome: Outcome) -> float | None:
        is_late = prompt.scenario is Scenario.PAYS_LATE and outcome is Outcome.EXPIRED
        return time.time() + self._behaviour.seconds("late_seconds") if is_late else None

    def _tell(
        self, prompt: Prompt, outcome: Outcome, receipt: str | None, after_seconds: float
    ) -> list[Callback]:
        teller = self._tellers[prompt.dialect]
        requests: list[CallbackRequest] = []
        if prompt.callback_url:
            requests = [
                self._told(teller, prompt, outcome, receipt, telling)
                for telling in prompt.scenario.tellings
            ]
        is_contradiction = len(set(prompt.scenario.tellings)) > 1
        seconds = after_seconds + self._behaviour.callback_latency(prompt.provider)
        calls = self._sender.queue(
            prompt.about,
            requests,
            seconds=seconds,
            between=self._behaviour.seconds("between_seconds") if is_contradiction else 0,
        )
        if receipt:
            self._sender.queue(prompt.about, teller.paid(prompt, receipt), seconds=seconds)
        return calls

    def _told(
        self,
        teller: Teller,
        prompt: Prompt,
        outcome: Outcome,
        receipt: str | None,
        telling: Telling,
    ) -> CallbackRequest:
        match telling:
            case Telling.FAILURE:
                return teller.callback(prompt, Outcome.CANCELLED, None)
            case Telling.FORGED_SUCCESS:
                stolen = teller.new_receipt()
                return teller.forged(teller.callback(prompt, Outcome.PAID, stolen))
            case Telling.OTHER_AMOUNT:
                prompt = dataclasses.replace(prompt, amount=prompt.amount + 1)
            case Telling.OTHER_PHONE:
                last = str((int(prompt.msisdn[-1]) + 1) % 10)
                prompt = dataclasses.replace(prompt, msisdn=prompt.msisdn[:-1] + last)
        return teller.callback(prompt, outcome, receipt)

    def _found(self, prompt_id: int) -> Prompt:
        prompt = self._store.prompts.get(prompt_id)
        if prompt is None:
            raise NoSuchPrompt(f"There is no prompt {prompt_id}.")
        return prompt

    def _waiting(self, prompt_id: int) -> Prompt:
        prompt = self._found(prompt_id)
        if not prompt.is_waiting:
            raise NotWaiting(f"Prompt {prompt_id} has ended: {prompt.state}.")
        return prompt
