"""The three providers with addresses that nothing listens on; `responses` answers for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from redis import Redis

from common.hooks import Hook
from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from payments import hooks
from payments.models import Payment
from payments.providers import registry
from payments.tests.outgoing import provider as provider

MPESA = "http://mpesa.test"
TIGO = "http://tigo.test"
AIRTEL = "http://airtel.test"
CALLBACK_KEY = "callback-key-for-tests"
SECRET_PATH = "secret-path-for-tests"


@pytest.fixture(autouse=True)
def providers(settings: Any) -> Iterator[None]:
    settings.MPESA_CONSUMER_KEY = settings.MPESA_CONSUMER_SECRET = "fake"
    settings.MPESA_BUSINESS_SHORTCODE = "174379"
    settings.MPESA_PASSKEY = "fake"
    settings.MPESA_BASE_URL = MPESA
    settings.MPESA_CALLBACK_SOURCES = []
    settings.TIGO_PESA_API_KEY = settings.TIGO_PESA_SECRET = "fake"
    settings.TIGO_PESA_BILLER_MSISDN = "255710000000"
    settings.TIGO_PESA_BILLER_CODE = "KNK"
    settings.TIGO_PESA_BASE_URL = TIGO
    settings.TIGO_PESA_CALLBACK_SOURCES = []
    settings.AIRTEL_CLIENT_ID = settings.AIRTEL_CLIENT_SECRET = "fake"
    settings.AIRTEL_BASE_URL = AIRTEL
    settings.AIRTEL_CALLBACK_KEY = CALLBACK_KEY
    settings.AIRTEL_CALLBACK_SOURCES = []
    settings.WEBHOOK_TOKENS = {SECRET_PATH: "tigo_pesa"}
    registry.forget_clients()
    yield
    registry.forget_clients()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis that only this process's tests know."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    with redis_server(url):
        yield url


@pytest.fixture
def shared(redis_url: str, settings: Any, providers: None) -> str:
    """An empty Redis that the providers' gates share; its URL."""
    with Redis.from_url(redis_url) as client:
        client.flushdb()
    settings.REDIS_URL = redis_url
    registry.forget_clients()
    return redis_url


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Answers for the providers; tokens are always given."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{MPESA}/oauth/v1/generate", json={"access_token": "token", "expires_in": 3599})
        mock.post(
            f"{TIGO}/token",
            json={"access_token": "token", "token_type": "bearer", "expires_in": 3600},
        )
        mock.post(
            f"{AIRTEL}/auth/oauth2/token",
            json={"access_token": "token", "token_type": "bearer", "expires_in": "180"},
        )
        yield mock


@pytest.fixture(autouse=True)
def sold() -> Iterator[list[Payment]]:
    """What a seller was told was paid; the real seller's handlers know other subjects."""
    told: list[Payment] = []
    all_hooks: tuple[Hook[Any], ...] = (
        hooks.completed,
        hooks.given_up,
        hooks.withdrawn,
        hooks.sent_back,
        hooks.closed,
    )
    kept = {hook: list(hook._handlers) for hook in all_hooks}
    for hook in kept:
        hook._handlers.clear()
    hooks.completed.register(told.append)
    yield told
    for hook, handlers in kept.items():
        hook._handlers[:] = handlers


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements are read by the test itself; nobody waits for a broker that is not there."""
    from payments.tasks import read_statement

    monkeypatch.setattr(read_statement, "apply_async", lambda **_: None)
