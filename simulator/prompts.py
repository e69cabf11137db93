"""The life of a prompt: shown on a phone, answered or not, told to the merchant. Money moves here."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from simulator.behaviour import Behaviour
from simulator.callbacks import CallbackSender
from simulator.phones import RIGHT_PIN, Outcome, Scenario
from simulator.store import Callback, CallbackRequest, Order, Prompt, Store

logger = logging.getLogger(__name__)


class Teller(Protocol):
    """What a provider decides about a payment: its receipt, and how the merchant is told."""

    def new_receipt(self, prompt: Prompt) -> str:
        """A receipt as the provider writes them, never the same twice."""

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """The call that tells the merchant of the end; there is a receipt when it was paid."""


class NoSuchPrompt(Exception):
    """There is no prompt with that id."""


class NotWaiting(Exception):
    """The prompt has ended; it cannot be answered any more."""


class Prompts:
    """Opens, answers and ends prompts, each in the way of its provider."""

    def __init__(self, store: Store, behaviour: Behaviour, sender: CallbackSender) -> None:
        self._store = store
        self._behaviour = behaviour
        self._sender = sender
        self._tellers: dict[str, Teller] = {}
        self._changed = asyncio.Event()

    def register(self, provider: str, teller: Teller) -> None:
        """Tell who decides for a provider."""
        self._tellers[provider] = teller

    def open(self, order: Order, scenario: Scenario) -> Prompt:
        """Show a prompt on the phone. Raises DuplicateReference."""
        answered_at = time.time() + self._behaviour.latency(order.provider, "collect")
        if scenario is Scenario.SLOW:
            answered_at += self._behaviour.seconds("slow_seconds")
        acts_at = answered_at + self._behaviour.seconds("answer_seconds")
        prompt = self._store.open_prompt(
            order,
            scenario=scenario,
            answer_at=acts_at if scenario.outcome else None,
            expires_at=answered_at + self._behaviour.seconds("prompt_seconds"),
        )
        self._store.balance(prompt.msisdn, at_first=self._first_balance)
        self._changed.set()
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
        self._store.ignore_prompt(self._waiting(prompt_id).id)
        return self._found(prompt_id)

    def end(self, prompt: Prompt, outcome: Outcome, *, after_seconds: float = 0) -> list[Callback]:
        """End a waiting prompt and queue its callbacks; a wallet too empty cannot pay."""
        if outcome is Outcome.PAID and self._is_too_poor(prompt):
            outcome = Outcome.INSUFFICIENT_FUNDS
        teller = self._tellers[prompt.provider]
        receipt = teller.new_receipt(prompt) if outcome is Outcome.PAID else None
        request = teller.callback(prompt, outcome, receipt)
        callbacks = self._store.end_prompt(
            prompt,
            outcome,
            receipt=receipt,
            callbacks=[request] * prompt.scenario.callbacks,
            due_at=time.time() + after_seconds + self._callback_latency(prompt),
        )
        self._changed.set()
        logger.info("prompt %d: %s %s", prompt.id, outcome, receipt or "")
        return callbacks

    async def end_and_call_back(self, prompt: Prompt, outcome: Outcome) -> None:
        """End a prompt and wait until its callbacks are answered."""
        for callback in self.end(prompt, outcome):
            await self._sender.send(callback)

    async def run(self) -> None:
        """Do what is due, for ever: phones that answer by themselves, expiry, callbacks."""
        while True:
            self._changed.clear()
            self._do_what_is_due(time.time())
            due = self._store.next_due()
            try:
                wait = None if due is None else max(0.0, due - time.time())
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def _do_what_is_due(self, now: float) -> None:
        for prompt in self._store.due_prompts(now):
            answers = prompt.answer_at is not None and prompt.answer_at <= prompt.expires_at
            outcome = prompt.scenario.outcome if answers else None
            self.end(prompt, outcome or Outcome.EXPIRED)
        for callback in self._store.due_callbacks(now):
            self._sender.start(callback)

    def _is_too_poor(self, prompt: Prompt) -> bool:
        return self._store.balance(prompt.msisdn, at_first=self._first_balance) < prompt.amount

    def _callback_latency(self, prompt: Prompt) -> float:
        return self._behaviour.latency(prompt.provider, "callback")

    @property
    def _first_balance(self) -> int:
        return int(self._behaviour.settings["wallet_balance"])

    def _found(self, prompt_id: int) -> Prompt:
        prompt = self._store.prompt(prompt_id)
        if prompt is None:
            raise NoSuchPrompt(f"There is no prompt {prompt_id}.")
        return prompt

    def _waiting(self, prompt_id: int) -> Prompt:
        prompt = self._found(prompt_id)
        if not prompt.is_waiting:
            raise NotWaiting(f"Prompt {prompt_id} has ended: {prompt.state}.")
        return prompt
