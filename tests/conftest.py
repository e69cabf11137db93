"""The system under test, started once for each of pytest's workers that needs it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Any

import pytest

from deploy.local.gateway import DRY_RUN_KBPS
from tests.person import Person
from tests.simulator import PREFIXES, Simulator
from tests.system import System, running_system
from tests.tunnel.internet import Internet

SEATS = 100_000

# What a test records as a property of its own, and how it is told when all is over.
TOLD = {
    "steps": "{:,} steps",  # of the model's machine
    "seconds": "{:.2f} s from the callback to the first reply",
}


@pytest.fixture(scope="session")
def started_system(django_db_blocker: Any) -> Iterator[System]:
    """However many tests one of pytest's workers gets, the standard catalogue has places for all."""
    from bundles.models import Bundle

    with running_system(GATEWAY_DRY_RUN_KBPS=DRY_RUN_KBPS) as system:
        Simulator(system.simulator_url).behave_as_usual()
        with django_db_blocker.unblock():
            system.rows(Bundle).update(max_clients=SEATS)
        yield system


@pytest.fixture
def system(started_system: System, django_db_blocker: Any) -> Iterator[System]:
    """The running system, with its own rows in reach; it keeps what earlier tests did."""
    started_system.listen()
    with django_db_blocker.unblock():
        yield started_system


@pytest.fixture
def simulator(system: System) -> Iterator[Simulator]:
    """The simulator's control; what a test changes is as usual again afterwards."""
    control = Simulator(system.simulator_url)
    yield control
    control.behave_as_usual()


@pytest.fixture(scope="session")
def fresh_phone() -> Callable[[str], str]:
    """Makes a number of a provider that nobody has used, in E.164; its prompts wait for a hand."""
    numbers = count(100_000)
    return lambda provider: f"+255{PREFIXES[provider]}6{next(numbers):06d}"


@pytest.fixture
def newcomer(system: System, fresh_phone: Callable[[str], str]) -> Callable[..., Person]:
    """Registers somebody new, with a phone of the given provider or the given phone."""

    def register(provider: str = "vodacom_mpesa", *, phone: str = "") -> Person:
        return Person(system.url, phone or fresh_phone(provider))

    return register


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what the system's programs and gateways said during the test."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    system, internet = arguments.get("system"), arguments.get("internet")
    if report.failed and isinstance(system, System):
        report.sections += [(f"{name} said", words) for name, words in system.said().items()]
    if report.failed and isinstance(internet, Internet):
        report.sections += [(f"{name} said", words) for name, words in internet.said().items()]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have counted and measured, from all of pytest's workers."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name in TOLD:
                terminalreporter.write_line(f"{report.nodeid}: {TOLD[name].format(value)}")
