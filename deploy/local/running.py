"""Which server of this clone runs now: at most one, known to the other commands by a file."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path("var/run/server.json")


class AlreadyRuns(Exception):
    """`make run` is at work in this clone; `str()` says as which process."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a running server and its simulator answer: base URLs without a final slash."""

    url: str
    simulator_url: str
    process: int


@contextmanager
def as_the_only_one(server: Server) -> Iterator[Callable[[], None]]:
    """Be the only server of this clone for the length of a `with` block. Raises AlreadyRuns.

    What it yields makes the server known, once all of it is up. The lock is the kernel's and goes
    with the process, however that ends.
    """
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRuns(_already_runs()) from None
        file.truncate(0)

        def make_known() -> None:
            json.dump(asdict(server), file)
            file.flush()

        try:
            yield make_known
        finally:
            os.truncate(FILE, 0)


def running_server() -> Server | None:
    """The server that `make run` keeps up in this clone, if there is one and all of it is up."""
    try:
        with FILE.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        known = FILE.read_text(encoding="utf-8")
        return Server(**json.loads(known)) if known else None
    return None


def _already_runs() -> str:
    server = running_server()
    where = f" at {server.url} (process {server.process})" if server else ""
    return f"Konektika already runs from this folder{where}: stop that one first."
