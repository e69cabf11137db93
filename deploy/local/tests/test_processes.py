"""Programs that run together."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import Ended, Processes, end, spawn, wait_until

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    running = Processes(environment=os.environ, logs=tmp_path)
    yield running
    running.stop(seconds=0)


def test_the_end_of_one_is_told_with_its_exit_code(processes: Processes) -> None:
    processes.start("steady", "sleep 60")
    processes.start("broken", "sh -c 'exit 3'")
    with pytest.raises(Ended, match="broken ended with exit code 3"):
        processes.wait()


def test_waiting_for_one_ends_when_another_has_died(processes: Processes) -> None:
    processes.start("broken", "sh -c 'exit 3'")
    with pytest.raises(Ended):
        processes.wait_for("steady", lambda: False, seconds=30)


def test_a_program_that_never_answers_is_named(processes: Processes) -> None:
    processes.start("silent", "sleep 60")
    with pytest.raises(TimeoutError, match="silent did not answer"):
        processes.wait_for("silent", lambda: False, seconds=0.1)


def test_the_terminal_hears_what_matters_and_the_log_everything(
    processes: Processes, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = "INFO celery.worker: received\nWARNING celery.worker: slow\nINFO notifications: SMS\n"
    processes.start("worker", f"printf '{lines}'")
    heard: list[str] = []

    def hears_the_last() -> bool:
        heard.append(capfdbinary.readouterr().err.decode())
        return "SMS" in heard[-1]

    wait_until(hears_the_last, seconds=60, what="The terminal")
    processes.stop()
    assert "slow" in "".join(heard)
    assert "received" not in "".join(heard)
    assert (tmp_path / "worker.log").read_text() == lines


def test_a_program_that_ignores_the_request_is_killed_with_its_children() -> None:
    program = spawn(
        ["/bin/sh", "-c", f'sleep 61 & exec {sys.executable} -c "{STUBBORN}"'],
        stdout=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"up\n"
    end(program, seconds=0.2)
    program.stdout.close()
    wait_until(lambda: _is_gone(program.pid), seconds=60, what="The children's end")


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False
