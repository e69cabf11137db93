"""Programs that run together: apart from the terminal, heard line by line, none left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1  # prctl(2)
# What the libraries say of their daily work stays in the log.
_CHATTER = re.compile(
    rb"\s*$|worker: |(INFO|DEBUG) (celery|kombu|django)|\[.{25}\] \[\d+\] \[INFO\]"
)


class Ended(Exception):
    """A program ended that should have gone on; `str()` names it and its exit code."""


def spawn(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that a terminal's Ctrl-C does not reach and that does not outlive us.

    To the kernel "us" is the thread that calls this: let it be one that stays.
    """
    return subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent, **options)


def end(program: subprocess.Popen[bytes], *, seconds: float = 10) -> None:
    """Ask a program to stop; what is left of it and its children after that time is killed."""
    program.terminate()
    _reap(program, time.monotonic() + seconds)


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait for a condition. Raises TimeoutError, which says what was waited for."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not answer within {seconds:.0f} s.")
        time.sleep(0.05)


class Processes:
    """Named programs of which each needs all the others."""

    def __init__(self, *, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._watched: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str) -> None:
        """Start a Procfile's command. All its lines go to a log, what matters to the terminal."""
        program = spawn(
            ["/bin/sh", "-c", f"exec {command}"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._started[name] = self._watched[name] = program
        log = (self._logs / f"{name}.log").open("wb", buffering=0)
        threading.Thread(target=_listen, args=(name, program.stdout, log), daemon=True).start()

    def watch(self, name: str, program: subprocess.Popen[bytes]) -> None:
        """Count a program among these that somebody else has started and will end."""
        self._watched[name] = program

    def wait_for(self, name: str, is_so: Callable[[], bool], *, seconds: float = 60) -> None:
        """Wait until a program answers. Raises Ended when any has ended, TimeoutError."""

        def is_so_while_all_live() -> bool:
            self._check()
            return is_so()

        wait_until(is_so_while_all_live, seconds=seconds, what=name)

    def wait(self) -> None:
        """Wait for ever. Raises Ended as soon as one has ended."""
        while True:
            self._check()
            time.sleep(0.2)

    def stop(self, *, seconds: float = 10) -> None:
        """End what was started here, all at once."""
        for program in self._started.values():
            program.terminate()
        deadline = time.monotonic() + seconds
        for program in self._started.values():
            _reap(program, deadline)

    def _check(self) -> None:
        for name, program in self._watched.items():
            code = program.poll()
            if code is not None:
                how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
                raise Ended(f"{name} ended {how}; the logs are in {self._logs}/.")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _reap(program: subprocess.Popen[bytes], deadline: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(max(0.0, deadline - time.monotonic()))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _listen(name: str, lines: IO[bytes], log: IO[bytes]) -> None:
    prefix = f"{name:<16} ".encode()
    with lines, log:
        for line in lines:
            log.write(line)
            if not _CHATTER.match(line):
                sys.stderr.buffer.write(prefix + line)
                sys.stderr.buffer.flush()
