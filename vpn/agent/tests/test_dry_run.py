"""The agent as `make run` has it: a process without root, and the conversation with its server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import holds_for, wait_until
from vpn.agent import loop
from vpn.agent.backend import Bytes, Service
from vpn.agent.books import Books
from vpn.agent.client import Client
from vpn.agent.dry_run import FIRST_USE_SECONDS, DryRun
from vpn.agent.keys import public_key
from vpn.agent.loop import Agent
from vpn.agent.memory import Memory
from vpn.agent.state import Peer, answer_as_json
from vpn.agent.tests.fake_server import SECRET, TOKEN, FakeServer
from vpn.agent.tests.states import key, peer, snapshot

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer(answer_as_json(snapshot(1))["gateway"])
    yield server
    server.close()


@pytest.fixture
def backend(tmp_path: Path) -> DryRun:
    return DryRun(tmp_path)


@pytest.fixture
def agent(
    server: FakeServer, backend: DryRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Agent]:
    """At work in a thread of ours, and quicker to report and to ask again than on a gateway."""
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.05)
    monkeypatch.setattr(loop, "ASK_AGAIN_SECONDS", 0.2)
    agent = Agent(
        backend,
        own_public_key=key(0),
        memory=Memory(tmp_path),
        books=Books(tmp_path),
        new_client=lambda: Client(f"http://127.0.0.1:{server.port}", lambda: SECRET),
    )
    thread = threading.Thread(target=agent.run)
    thread.start()
    yield agent
    agent.stop()
    thread.join()


def told(server: FakeServer) -> dict[str, Any]:
    """The last report."""
    wait_until(lambda: server.reports, 5)
    return server.reports[-1]


def serve_many(server: FakeServer, count: int) -> None:
    server.serve(*(as_json(peer(number)) for number in range(2, count + 2)))
    wait_until(lambda: told(server)["health"]["peers"] == count, 5)


def as_json(one: Peer) -> dict[str, Any]:
    peers: list[dict[str, Any]] = answer_as_json(snapshot(1, one))["upsert"]
    return json.loads(json.dumps(peers[0]))  # type: ignore[no-any-return]


@pytest.mark.usefixtures("agent")
def test_what_is_served_is_told_with_its_revision_and_digest(server: FakeServer) -> None:
    serve_many(server, 3)
    state = server.answer_state({"epoch": "e"})
    assert state is not None
    wait_until(lambda: told(server)["revision"] == state["revision"], 5)
    assert told(server)["digest"] == state["digest"]
    server.drop(3)
    wait_until(lambda: told(server)["health"]["peers"] == 2, 5)


@pytest.mark.usefixtures("agent")
def test_a_state_that_does_not_come_to_its_digest_is_asked_for_as_a_whole(
    server: FakeServer,
) -> None:
    serve_many(server, 2)
    server.lies = 1
    server.serve(as_json(peer(9)))
    wait_until(lambda: told(server)["health"]["peers"] == 3, 5)
    assert [question for question in server.questions if "revision" not in question][1:]


@pytest.mark.usefixtures("agent")
def test_a_shrunken_state_is_refused_and_told_until_staff_allow_it(
    server: FakeServer, backend: DryRun
) -> None:
    serve_many(server, 60)
    with server.change() as wanted:
        wanted.clear()
    wait_until(lambda: told(server)["health"]["refused_revision"] == server.revision, 5)
    assert told(server)["health"]["peers"] == 60
    assert len(backend.read().handshakes) == 60
    server.gateway["may_shrink"] = True
    wait_until(lambda: told(server)["health"]["peers"] == 0, 5)
    assert told(server)["health"]["refused_revision"] is None


@pytest.mark.usefixtures("agent")
def test_a_gateway_that_is_not_known_goes_on_and_asks_rarely(
    server: FakeServer, backend: DryRun, caplog: pytest.LogCaptureFixture
) -> None:
    serve_many(server, 2)
    server.knows_the_gateway = False
    server.serve(as_json(peer(9)))  # wakes the question that is waiting; its answer still comes
    wait_until(lambda: caplog.text.count("does not take our secret") == 2, 10)
    asked = len(server.questions)
    holds_for(lambda: len(server.questions) == asked, 1)
    assert len(backend.read().handshakes) >= 2


def test_a_device_uses_its_allowance_and_no_more_and_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr("vpn.agent.dry_run.time.monotonic", lambda: clock)
    backend, service = DryRun(tmp_path, kbps=8), a_service(group=7)
    epoch = backend.open()
    backend.apply({3: service}, {7: 20_500}, {})
    clock = FIRST_USE_SECONDS
    assert backend.read().counters == {(3, 7): Bytes(0, 0)}
    clock += 10
    reading = backend.read()
    assert reading.counters == {(3, 7): Bytes(1_000, 9_000)}
    assert reading.handshakes[service.public_key] > 0
    assert backend.spent() == frozenset()
    clock += 100
    assert backend.read().counters == {(3, 7): Bytes(2_050, 18_450)}
    assert backend.spent() == {7}
    again = DryRun(tmp_path, kbps=8)
    assert (again.open(), again.read().counters) == (epoch, {(3, 7): Bytes(2_050, 18_450)})


@pytest.mark.parametrize("kbps", [0, 8])
def test_a_device_whose_time_is_over_or_in_a_run_without_bytes_uses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kbps: int
) -> None:
    clock = 0.0
    monkeypatch.setattr("vpn.agent.dry_run.time.monotonic", lambda: clock)
    backend, service = DryRun(tmp_path, kbps=kbps), a_service(group=7, is_open=not kbps)
    backend.open()
    backend.audit({3: service}, {7: 20_500}, {})
    clock = 1_000.0
    assert backend.read().counters == {(3, 7): Bytes(0, 0)}
    assert backend.read().handshakes == {service.public_key: 0}


def a_service(*, group: int, is_open: bool = True) -> Service:
    return Service(
        public_key=key(9),
        preshared_key=None,
        addresses=("10.8.0.9",),
        group=group,
        kbps=0,
        is_open=is_open,
    )


def test_a_process_enrols_and_serves_without_root_and_tells_nobody_its_keys(
    server: FakeServer, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="ascii")
    state, log = tmp_path / "state", tmp_path / "log"
    environment = {
        "KONEKTIKA_URL": f"http://127.0.0.1:{server.port}",
        "GATEWAY_BACKEND": "dry-run",
        "GATEWAY_STATE_DIR": str(state),
        "GATEWAY_SECRET_FILE": str(state / "secret"),
    }
    command = [sys.executable, "-m", "vpn.agent"]
    early = subprocess.run(
        [*command, "run"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert early.returncode == 1
    assert early.stderr.count("\n") == 1, "more than a sentence"
    assert "not enrolled" in early.stderr
    subprocess.run(
        [*command, "enrol", "--token-file", str(token)], cwd=ROOT, env=environment, check=True
    )
    private_key = (state / "private.key").read_text().strip()
    assert server.public_key == public_key(private_key)
    server.serve(as_json(peer(9)))
    with log.open("wb") as words:
        process = subprocess.Popen(
            [*command, "run"], cwd=ROOT, env=environment, stdout=words, stderr=words
        )
    try:
        wait_until(lambda: told(server)["health"]["peers"] == 1, 15)
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert told(server)["health"]["backend"] == "dry-run"
    assert told(server)["counters"] == [[9, 9, 0, 0, 0]]
    assert {file.stat().st_mode & 0o777 for file in state.iterdir()} == {0o600}
    said = log.read_text()
    assert not any(secret in said for secret in (private_key, SECRET, TOKEN))
    assert not any(private_key.encode() in body for body in server.bodies)
