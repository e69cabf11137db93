"""A simulator as a process, and an adapter of each dialect on the other side of the wire."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from deploy.local import dotenv
from deploy.local.ports import free_port
from tests.programs import Program
from tests.simulator import Simulator
from tests.waiting import wait_until
from tests.wire import sides
from tests.wire.ear import Ear
from tests.wire.sides import Side

START_SECONDS = 20
QUICK = {
    "answer_seconds": 0.05,
    "slow_seconds": 0.5,
    "early_seconds": 0.2,
    "late_seconds": 0.5,
    "between_seconds": 1,
    "payout_seconds": 0.05,
    "report_seconds": 0.05,
    "prompt_seconds": 1,
    "vodacom_mpesa": {"session_delay_seconds": 0},
}


@pytest.fixture(scope="session")
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.close()


@pytest.fixture(scope="session")
def environment(ear: Ear, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Credentials and keys that fit both sides, as `make run` writes them."""
    folder = tmp_path_factory.mktemp("wire")
    dotenv.write_once(folder / ".env")
    explicit = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SIMULATOR_PORT": str(free_port()),
        "SIMULATOR_DATABASE": str(folder / "simulator.sqlite3"),
        "SIMULATOR_MPESA_OPENAPI_CALLBACK_URL": f"{ear.url}/openapi",
        "TIGO_PESA_CALLBACK_URL": f"{ear.url}/tigo",
        "SIMULATOR_TIGO_PESA_W2A_URL": f"{ear.url}/w2a",
        "AIRTEL_CALLBACK_URL": f"{ear.url}/airtel",
        "SIMULATOR_BEEM_REPORT_URL": f"{ear.url}/sms/beem",
        "SIMULATOR_AFRICASTALKING_REPORT_URL": f"{ear.url}/sms/africastalking",
    }
    return dotenv.effective(folder / ".env", explicit)


@pytest.fixture(scope="session")
def simulator(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Simulator]:
    program = Program(
        "simulator",
        "python -m simulator",
        environment=environment,
        logs=tmp_path_factory.mktemp("logs"),
    )
    url = f"http://127.0.0.1:{environment['SIMULATOR_PORT']}"
    program.start()
    try:
        wait_until(lambda: not program.is_running() or _answers(url), START_SECONDS)
        assert program.is_running(), program.said()
        control = Simulator(url)
        control.configure(**QUICK)
        yield control
    finally:
        program.stop()


@pytest.fixture(scope="session")
def daraja(environment: Mapping[str, str], ear: Ear, simulator: Simulator) -> Side:
    return sides.daraja(environment, ear)


@pytest.fixture(scope="session")
def openapi(environment: Mapping[str, str], ear: Ear, simulator: Simulator) -> Side:
    return sides.openapi(environment, ear)


@pytest.fixture(scope="session")
def tigo(environment: Mapping[str, str], ear: Ear, simulator: Simulator) -> Side:
    return sides.tigo(environment, ear)


@pytest.fixture(scope="session")
def airtel(environment: Mapping[str, str], ear: Ear, simulator: Simulator) -> Side:
    return sides.airtel(environment, ear)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/control/truth", timeout=5).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False
