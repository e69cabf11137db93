"""The programs of the system that the agent uses. What they are fed may hold keys, and is never told."""

from __future__ import annotations

import os
import subprocess

from vpn.agent.backend import BackendFailed

SECONDS = 60


class Running:
    """A program at work, so that another one can work beside it."""

    def __init__(self, *command: str, fed: str = "") -> None:
        self._name = " ".join(command[:2])
        # A file in memory instead of a pipe: nobody has to stand by and fill it.
        with open(os.memfd_create("fed"), "w+b") as file:
            file.write(fed.encode())
            file.flush()
            file.seek(0)
            try:
                self._process = subprocess.Popen(  # noqa: S603  # programs we name ourselves
                    command,
                    stdin=file,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            except OSError as problem:
                raise BackendFailed(f"{self._name}: {problem.strerror}") from problem

    def finish(self) -> str:
        """What it printed. Raises BackendFailed with the first line of its complaint."""
        try:
            printed, complaint = self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise BackendFailed(f"{self._name}: no end within {SECONDS} s") from None
        if self._process.returncode:
            first = (complaint.strip().splitlines() or ["no word why"])[0]
            raise BackendFailed(f"{self._name}: {first}")
        return printed


def run(*command: str, fed: str = "") -> str:
    """Raises BackendFailed."""
    return Running(*command, fed=fed).finish()


def succeeds(*command: str) -> bool:
    """Whether the program is here and content."""
    try:
        run(*command)
    except BackendFailed:
        return False
    return True
