"""One program of the system under test: started, heard in a file of its own, stopped, killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.processes import end, spawn

ROOT = Path(__file__).resolve().parents[1]


class Program:
    """A line of the Procfile, or the simulator. What it says is in `log`."""

    def __init__(
        self, name: str, command: str, *, environment: Mapping[str, str], logs: Path
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._command = command
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again; it dies with us whatever happens."""
        with self.log.open("ab") as words:
            self._process = spawn(
                ["/bin/sh", "-c", f"exec {self._command}"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process that was started; what it does may be done by its children."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def stop(self) -> None:
        """Ask it to stop, as a deployment does."""
        if self._process is not None:
            end(self._process)

    def kill(self) -> None:
        """SIGKILL, for it and its children: nothing can be finished or given back."""
        assert self._process is not None, f"{self.name} was never started"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal that it has a meaning for."""
        assert self._process is not None, f"{self.name} was never started"
        self._process.send_signal(number)

    def said(self, since: int = 0) -> str:
        """What it wrote after that many bytes of its log."""
        return self.log.read_bytes()[since:].decode(errors="replace") if self.log.exists() else ""

    def bytes_said(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0


def procfile(environment: Mapping[str, str], logs: Path) -> dict[str, Program]:
    """The programs that production runs, by name."""
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    named = (
        (name, command.strip()) for name, _, command in (line.partition(":") for line in lines)
    )
    return {
        name: Program(name, command, environment=environment, logs=logs) for name, command in named
    }
