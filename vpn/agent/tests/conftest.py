"""A gateway for a test, with its small internet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tunnel.internet import Internet
from vpn.agent.tests.gateway import AgentProcess


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[AgentProcess]:
    """Enrolled and running, with nobody to serve yet."""
    with Internet(tmp_path) as internet:
        agent = AgentProcess(internet)
        try:
            agent.enrol()
            agent.start()
            yield agent
        finally:
            agent.close()
