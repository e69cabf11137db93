"""Calls the merchant as the providers do: once, without a second try, whatever the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

import aiohttp

from simulator.store import Store
from simulator.store.calls import Callback, CallbackRequest

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30
ANSWER_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What the merchant answered. Without a status, `text` says what went wrong."""

    status: int | None
    text: str


class CallbackSender:
    """Needs a running event loop; `close` gives up what is still under way."""

    def __init__(self, store: Store, alarm: asyncio.Event) -> None:
        self._store = store
        self._alarm = alarm
        # A kept connection may be closed by the merchant at the very moment it is used again.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        self._under_way: set[asyncio.Task[None]] = set()

    def queue(
        self, about: str, requests: list[CallbackRequest], *, seconds: float, between: float = 0
    ) -> list[Callback]:
        """Have them sent so many seconds from now, one after the other."""
        due_at = time.time() + seconds
        calls = [
            self._store.calls.queue(about, request, due_at=due_at + number * between)
            for number, request in enumerate(requests)
        ]
        self._alarm.set()
        return calls

    def start(self, callback: Callback) -> None:
        """Send it in the background, unless that was done before."""
        if self._store.calls.start(callback.id):
            task = asyncio.create_task(self._deliver(callback))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def send(self, callback: Callback) -> None:
        """Send it, unless that was done before; returns once the answer is recorded."""
        if self._store.calls.start(callback.id):
            await self._deliver(callback)

    async def ask(self, request: CallbackRequest, *, patience_seconds: float) -> Reply:
        """Ask the merchant something that the provider waits for."""
        timeout = aiohttp.ClientTimeout(total=patience_seconds)
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=dict(request.headers),
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                body = await response.content.read(ANSWER_CHARACTERS)
                return Reply(response.status, body.decode(errors="replace"))
        except TimeoutError:
            return Reply(None, f"no answer within {patience_seconds:g} s")
        except (aiohttp.ClientError, ValueError) as error:
            return Reply(None, f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._session.close()

    async def _deliver(self, callback: Callback) -> None:
        reply = await self.ask(callback.request, patience_seconds=PATIENCE_SECONDS)
        self._store.calls.end(callback.id, status=reply.status, answer=reply.text)
        logger.info("call %d, %s: %s", callback.id, callback.about, reply.status or reply.text)
