"""The whole way, from the app to a site on the internet, for the tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.system import System, running_system
from tests.tunnel.gateway import VARIABLES, Gateway
from tests.tunnel.internet import Internet


@pytest.fixture(scope="module")
def started_system(django_db_blocker: Any) -> Iterator[System]:
    """A system of its own: its first gateway is in a network namespace."""
    from bundles.models import Bundle

    with running_system(has_gateway=False, **VARIABLES) as system:
        Simulator(system.simulator_url).behave_as_usual()
        with django_db_blocker.unblock():
            system.rows(Bundle).update(max_clients=1000, max_connections=2)
        yield system


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    folder: Path = tmp_path_factory.mktemp("internet")
    with Internet(folder) as internet:
        yield internet


@pytest.fixture(scope="module")
def gateway(internet: Internet, started_system: System) -> Iterator[Gateway]:
    """Enrolled and running."""
    gateway = Gateway(internet, started_system)
    yield gateway
    gateway.close()
