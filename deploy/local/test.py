"""`make test`: every test on a MariaDB and a Redis of our own, then the main path on SQLite."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deploy.local.mariadb_server import PROGRAMS, find, mariadb_server
from deploy.local.ports import free_port
from deploy.local.redis_server import NoRedis, find_binary, redis_server
from deploy.local.tunnels import can_tunnel

ROOT = Path(__file__).resolve().parents[2]
# Three on two cores, for many tests wait: for a tunnel, a browser, a dead worker. What they get, and in
# which order, the root's conftest decides.
WORKERS = ["--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
MAIN_PATH = "tests/flows/test_buy_and_connect.py"  # from initiate to configuration

MEMORY = Path("/dev/shm")  # noqa: S108 - files in memory, on Linux; a container's is often too small
MEMORY_BYTES = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Piece:
    """A program that some tests need; those carry the marker."""

    name: str
    marker: str
    debian: str
    is_here: Callable[[], bool]


def _has_mariadb() -> bool:
    return all(find(program) for program in PROGRAMS) and bool(importlib.util.find_spec("MySQLdb"))


def _has_redis() -> bool:
    try:
        return bool(find_binary())
    except NoRedis:
        return False


PIECES = (
    Piece("MariaDB", "mariadb", "mariadb-server libmariadb-dev pkg-config", _has_mariadb),
    Piece("Redis", "redis", "redis-server", _has_redis),
    Piece("Chromium", "browser", "chromium", lambda: bool(shutil.which("chromium"))),
    Piece("wg-quick", "wireguard", "wireguard-tools", lambda: bool(shutil.which("wg-quick"))),
    Piece(
        "wireguard-go with root and /dev/net/tun",
        "wireguard_go",
        "wireguard-go wireguard-tools nftables iproute2",
        can_tunnel,
    ),
)


def main(arguments: list[str]) -> int:
    """Returns pytest's exit code; with arguments, those alone decide what runs, on MariaDB."""
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, _interrupt)
    missing = [piece for piece in PIECES if not piece.is_here()]
    for piece in missing:
        print(
            f"SKIPPED, no {piece.name} here (Debian: {piece.debian}): tests marked {piece.marker}"
        )
    if missing and os.environ.get("CI") == "true":
        print("With CI=true nothing may be missing.")
        return 1
    present = {piece.marker for piece in PIECES} - {piece.marker for piece in missing}
    selection = ["-m", " and ".join(f"not {piece.marker}" for piece in missing)] if missing else []
    with ExitStack() as servers:
        with _timed("Servers started"):
            environment = _environment(servers, present)
        database = "MariaDB" if "mariadb" in present else "SQLite"
        with _timed(f"Tests on {database}"):
            code = _pytest([*WORKERS, *selection, *arguments], environment)
        if code or arguments:
            return code
        with _timed("Main path on SQLite"):
            environment.pop("DATABASE_URL", None)
            return _pytest([MAIN_PATH], environment)


def _environment(servers: ExitStack, present: set[str]) -> dict[str, str]:
    """Ours, with the addresses of the servers that could be started."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if "mariadb" in present:
        environment["DATABASE_URL"] = servers.enter_context(mariadb_server(place=_memory())).url
    if "redis" in present:
        environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
        servers.enter_context(redis_server(environment["REDIS_URL"]))
    return environment


def _memory() -> Path | None:
    """Where files never reach a disk, which tests without end would wait for; if there is room."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return MEMORY if has_room and os.access(MEMORY, os.W_OK) else None


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    return subprocess.call([sys.executable, "-m", "pytest", *arguments], env=environment)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s.", flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
