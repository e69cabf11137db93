"""What holds for every test: no network but loopback, fake credentials, a ledger that can be emptied."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import TransactionTestCase

from deploy.local.tunnels import can_tunnel

NOTHING_LISTENS = "http://127.0.0.1:9"  # the discard port: refused at once
PROVIDERS: dict[str, Any] = {
    "MPESA_CONSUMER_KEY": "fake-consumer-key",
    "MPESA_CONSUMER_SECRET": "fake-consumer-secret",
    "MPESA_BUSINESS_SHORTCODE": "600100",
    "MPESA_PASSKEY": "fake-passkey",
    "MPESA_BASE_URL": NOTHING_LISTENS,
    "MPESA_CALLBACK_SOURCES": [],
    "TIGO_PESA_API_KEY": "fake-tigo-user",
    "TIGO_PESA_SECRET": "fake-tigo-secret",
    "TIGO_PESA_BILLER_MSISDN": "255710000100",
    "TIGO_PESA_BILLER_CODE": "KNK",
    "TIGO_PESA_BASE_URL": NOTHING_LISTENS,
    "TIGO_PESA_CALLBACK_SOURCES": [],
    "AIRTEL_CLIENT_ID": "fake-airtel-id",
    "AIRTEL_CLIENT_SECRET": "fake-airtel-secret",
    "AIRTEL_CALLBACK_KEY": "fake-airtel-callback-key",
    "AIRTEL_BASE_URL": NOTHING_LISTENS,
    "AIRTEL_CALLBACK_SOURCES": [],
    "WEBHOOK_TOKENS": {"fake-tigo-path": "tigo_pesa"},
    # What processes share of a provider, tests do not: one's failures would open another's breaker.
    "REDIS_URL": "redis://127.0.0.1:9/0",
}

# Files that need the running system: a dozen programs, which do something as long as they are there.
OF_ONE_SYSTEM = (
    "tests/flows/",
    "tests/chaos/test_lost_messages.py",
    "tests/chaos/test_lost_workers.py",
    "tests/chaos/test_webhook_bodies.py",
    "tests/browser/test_pages.py",
    "tests/browser/test_queue.py",
    "tests/browser/test_support.py",
    "tests/browser/test_web.py",
)
# Each takes more than a minute.
LONGEST = (
    "tests/model/",
    "vpn/agent/tests/test_tunnel.py",
    "tests/chaos/test_run.py",
    "backoffice/tests/test_check_money.py",
    "backoffice/tests/test_market.py",
    "backoffice/tests/test_masked_pages.py",
    "payments/tests/test_matching_truth.py",
    "tests/browser/",
    "tests/openapi/",
    "tests/tunnel/",
)


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


def pytest_configure() -> None:
    for name, value in PROVIDERS.items():
        setattr(settings, name, value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first: begun last, it would keep a single worker busy at the end."""
    items.sort(
        key=lambda item: (
            not item.nodeid.startswith(OF_ONE_SYSTEM),
            not item.nodeid.startswith(LONGEST),
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file keeps to one worker; what needs the running system, to the one that has started it."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class OneSystem(LoadFileScheduling):  # type: ignore[misc]  # published without types
        def _split_scope(self, nodeid: str) -> str:
            return "system" if nodeid.startswith(OF_ONE_SYSTEM) else super()._split_scope(nodeid)

    return OneSystem(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mariadb") and connection.vendor != "mysql":
        missing("needs MariaDB: run `make test`, or set DATABASE_URL")
    if item.get_closest_marker("wireguard_go") and not can_tunnel():
        missing("needs root, /dev/net/tun, wireguard-go, wireguard-tools, nftables and iproute2")


def missing(what: str) -> None:
    """Skip aloud what this machine cannot prove; where CI is set, everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Nothing is called by accident: whoever connects further than this machine fails."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise NetworkBlocked(f"a test wanted to reach {address[0]}")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


@pytest.fixture(autouse=True)
def nobody_was_throttled() -> None:
    """What earlier tests did in this process counts against nobody; a shared Redis is left alone."""
    if isinstance(caches["default"], LocMemCache):
        caches["default"].clear()


@pytest.fixture(autouse=True, scope="session")
def tests_that_commit_are_cleaned_up_after() -> Iterator[None]:
    """Django would delete from every table and make every permission anew, for each such test."""
    from payments.tests.emptying import Emptying

    empty = Emptying()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty())
        yield
