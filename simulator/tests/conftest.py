"""A simulator on a real port, and somebody who hears its callbacks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.app import running
from simulator.config import (
    AfricasTalkingConfig,
    AirtelConfig,
    BeemConfig,
    Config,
    MpesaConfig,
    OpenApiConfig,
    TigoConfig,
)
from simulator.keys import KeyPair


class Served:
    """An aiohttp application in a thread of its own, on a free port."""

    def __init__(self, making: AbstractAsyncContextManager[web.Application]) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.url = self._run(self._start(making))

    def stop(self) -> None:
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self, making: AbstractAsyncContextManager[web.Application]) -> str:
        app = await self._stack.enter_async_context(making)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


class Merchant:
    """Hears callbacks. A path's answers are given in turn, the last one again and again."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: dict[str, list[str]] = {}
        self._something = threading.Condition()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._hear)
        self._served = Served(nullcontext(app))
        self.url = self._served.url

    def wait_for(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """The callbacks, once there are that many."""
        with self._something:
            assert self._something.wait_for(lambda: len(self.heard) >= count, seconds), self.heard
        return self.heard

    def stop(self) -> None:
        self._served.stop()

    async def _hear(self, request: web.Request) -> web.Response:
        raw = await request.read()
        is_json = request.content_type == "application/json"
        heard = {
            "path": request.path,
            "body": await request.json() if is_json else raw.decode(),
            "raw": raw,
            "headers": dict(request.headers),
            "from": request.transport and request.transport.get_extra_info("peername"),
            "at": time.monotonic(),
        }
        with self._something:
            self.heard.append(heard)
            self._something.notify_all()
        answers = self.answers.get(request.path, ['{"ok": true}'])
        return web.Response(text=answers.pop(0) if len(answers) > 1 else answers[0])


class Simulator:
    """A running simulator with quick customers."""

    def __init__(self, config: Config) -> None:
        self._served = Served(running(config))
        self.url = self._served.url
        self.configure(
            answer_seconds=0.05,
            slow_seconds=0.3,
            prompt_seconds=30,
            early_seconds=0.1,
            between_seconds=0.1,
            payout_seconds=0.02,
            vodacom_mpesa={"session_delay_seconds": 0},
        )

    def configure(self, **changes: Any) -> None:
        answer = requests.post(f"{self.url}/control/config", json=changes, timeout=5)
        assert answer.status_code == 200, answer.text

    def truth(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/control/truth", timeout=5).json()
        return found

    def statement(self, provider: str) -> dict[str, Any]:
        url = f"{self.url}/control/statement/{provider}"
        found: dict[str, Any] = requests.get(url, timeout=5).json()
        return found

    def pays_bill(self, provider: str, msisdn: str, reference: str, **more: Any) -> dict[str, Any]:
        wish = {"provider": provider, "msisdn": msisdn, "reference": reference, "amount": 1000}
        answer = requests.post(f"{self.url}/control/paybill", json={**wish, **more}, timeout=10)
        assert answer.status_code == 200, answer.text
        bill: dict[str, Any] = answer.json()["bill"]
        return bill

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


@pytest.fixture(scope="session")
def key() -> KeyPair:
    """One key pair for all, because making one takes long; of a size that each provider has."""
    return KeyPair(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def config(merchant: Merchant, tmp_path: Path, key: KeyPair) -> Config:
    return Config(
        port=0,
        database=tmp_path / "simulator.sqlite3",
        merchant="KONEKTIKA",
        mpesa=MpesaConfig(
            "fake-key",
            "fake-secret",
            "600100",
            "fake-passkey",
            initiator_name="fake-initiator",
            initiator_password="fake-initiator-password",
            private_key=key.private_text,
        ),
        openapi=OpenApiConfig(
            api_key="fake-api-key",
            service_provider_code="000000",
            private_key=key.private_text,
            market="vodacomTZN",
            origin="*",
            mode="sync",
            callback_url=f"{merchant.url}/openapi",
        ),
        tigo=TigoConfig(
            "fake-user",
            "fake-password",
            "255710000100",
            "KNK",
            f"{merchant.url}/tigo",
            disburse_msisdn="255710000200",
            disburse_pin="4321",
            company_name="600200",
            w2a_url=f"{merchant.url}/w2a",
        ),
        airtel=AirtelConfig(
            "fake-id",
            "fake-secret",
            f"{merchant.url}/airtel",
            "test-callback-key",
            "TZ",
            "TZS",
            disbursement_pin="1234",
            private_key=key.private_text,
        ),
        beem=BeemConfig("fake-key", "fake-secret", report_url=f"{merchant.url}/beem"),
        africastalking=AfricasTalkingConfig(
            "konektika", "fake-key", "KONEKTIKA", report_url=f"{merchant.url}/africastalking"
        ),
    )


@pytest.fixture
def simulator(config: Config) -> Iterator[Simulator]:
    served = Simulator(config)
    yield served
    served.stop()
