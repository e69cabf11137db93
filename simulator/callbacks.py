"""Sends callbacks as the providers do: once, without a second try, whatever the answer."""

from __future__ import annotations

import asyncio
import logging

import aiohttp

from simulator.store import Callback, Store

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30
ANSWER_CHARACTERS = 2_000


class CallbackSender:
    """Needs a running event loop; `close` gives up what is still under way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
            connector=aiohttp.TCPConnector(limit=0),
        )
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, callback: Callback) -> None:
        """Send it in the background, unless that was done before."""
        if self._store.start_callback(callback.id):
            task = asyncio.create_task(self._deliver(callback))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def send(self, callback: Callback) -> None:
        """Send it, unless that was done before; returns once the answer is recorded."""
        if self._store.start_callback(callback.id):
            await self._deliver(callback)

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._session.close()

    async def _deliver(self, callback: Callback) -> None:
        status, answer = await self._post(callback)
        self._store.end_callback(callback.id, status=status, answer=answer)
        logger.info("callback %d of prompt %d: %s", callback.id, callback.prompt, status or answer)

    async def _post(self, callback: Callback) -> tuple[int | None, str]:
        request = callback.request
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=dict(request.headers),
                allow_redirects=False,
            ) as response:
                body = await response.content.read(ANSWER_CHARACTERS)
                return response.status, body.decode(errors="replace")
        except TimeoutError:
            return None, f"no answer within {PATIENCE_SECONDS} s"
        except (aiohttp.ClientError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"
