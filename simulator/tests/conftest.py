"""A simulator on a real port, and somebody who hears its callbacks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from simulator.app import make_app
from simulator.config import Settings


class Served:
    """An aiohttp application in a thread of its own."""

    def __init__(self, app: web.Application) -> None:
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(app, access_log=None)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.url = self._run(self._start())

    def stop(self) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


class Merchant:
    """Hears callbacks."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self._something = threading.Condition()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._hear)
        self._served = Served(app)
        self.url = self._served.url

    def wait_for(self, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """The callbacks, once there are that many."""
        with self._something:
            assert self._something.wait_for(lambda: len(self.heard) >= count, seconds), self.heard
        return self.heard

    def stop(self) -> None:
        self._served.stop()

    async def _hear(self, request: web.Request) -> web.Response:
        heard = {
            "path": request.path,
            "body": await request.json(),
            "raw": await request.read(),
            "headers": dict(request.headers),
        }
        with self._something:
            self.heard.append(heard)
            self._something.notify_all()
        return web.json_response({"ok": True})


class Simulator:
    """A running simulator with quick customers."""

    def __init__(self, settings: Settings) -> None:
        self._served = Served(make_app(settings))
        self.url = self._served.url
        self.configure(pin_seconds=0.05, slow_seconds=0.3, prompt_seconds=30)

    def configure(self, **changes: Any) -> None:
        answer = requests.post(f"{self.url}/control/config", json=changes, timeout=5)
        assert answer.status_code == 200, answer.text

    def truth(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/control/truth", timeout=5).json()
        return found

    def prompts(self) -> list[dict[str, Any]]:
        found = requests.get(f"{self.url}/control/prompts", timeout=5).json()
        prompts: list[dict[str, Any]] = found["prompts"]
        return prompts

    def stop(self) -> None:
        self._served.stop()


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    served = Merchant()
    yield served
    served.stop()


@pytest.fixture
def settings_of_simulator(merchant: Merchant, tmp_path: Path) -> Settings:
    return Settings(
        port=0,
        database=str(tmp_path / "simulator.sqlite3"),
        mpesa_consumer_key="fake-key",
        mpesa_consumer_secret="fake-secret",
        mpesa_short_code="600100",
        mpesa_passkey="fake-passkey",
        tigo_username="fake-user",
        tigo_password="fake-password",
        tigo_biller_msisdn="255710000100",
        tigo_biller_code="KNK",
        tigo_callback_url=f"{merchant.url}/tigo",
        airtel_client_id="fake-id",
        airtel_client_secret="fake-secret",
        airtel_callback_url=f"{merchant.url}/airtel",
        airtel_callback_key="test-callback-key",
    )


@pytest.fixture
def simulator(settings_of_simulator: Settings) -> Iterator[Simulator]:
    running = Simulator(settings_of_simulator)
    yield running
    running.stop()
