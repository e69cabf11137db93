"""Does what is due, for ever: phones that answer by themselves, expiry, calls to the merchant."""

from __future__ import annotations

import asyncio
import time

from simulator.callbacks import CallbackSender
from simulator.prompts import Prompts
from simulator.store import Store


class Clock:
    """`alarm` is set by whoever makes something due."""

    def __init__(
        self, alarm: asyncio.Event, store: Store, prompts: Prompts, sender: CallbackSender
    ) -> None:
        self._alarm = alarm
        self._store = store
        self._prompts = prompts
        self._sender = sender

    async def run(self) -> None:
        while True:
            self._alarm.clear()
            now = time.time()
            self._prompts.end_due(now)
            for call in self._store.calls.due(now):
                self._sender.start(call)
            due = self._next_due()
            try:
                wait = None if due is None else max(0.0, due - time.time())
                await asyncio.wait_for(self._alarm.wait(), wait)
            except TimeoutError:
                continue

    def _next_due(self) -> float | None:
        times = (self._store.prompts.next_due(), self._store.calls.next_due())
        return min((each for each in times if each is not None), default=None)
