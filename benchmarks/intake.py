"""How many callbacks does a web process keep in a second, beside others that keep what arrives?"""

from __future__ import annotations

import hmac
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any
from urllib.parse import urlsplit

import MySQLdb

from benchmarks.figures import PER_SECOND, Figure
from benchmarks.load import answers_to, post
from benchmarks.peers.environment import peers_environment
from benchmarks.peers.project import PLAIN_PATH, STRIPE_EVENT, STRIPE_PATH, STRIPE_SECRET
from benchmarks.procfile import procfile_command
from deploy.local.ports import free_port, is_free
from tests.fresh_database import fresh_database
from tests.programs import ROOT, Program
from tests.system import System, running_system
from tests.waiting import wait_until

CONNECTIONS = 16
ROUNDS, SECONDS = 7, 5.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 2.0
WARMING_UP_SECONDS = 2.0
START_SECONDS = 30
# One callback for all: Tigo's (fact sheet, A.3), with what dj-stripe looks for.
BODY = json.dumps(
    {
        "id": STRIPE_EVENT,
        "livemode": False,
        "Status": True,
        "Description": "Paid",
        "MFSTransactionID": "MFS0123456789AB",
        "ReferenceID": "KNK0123456789AB",
        "Amount": "1000",
    }
).encode()

Keeper = Callable[[float], float]  # seconds to keep at it -> callbacks kept per second


class NotDurable(Exception):
    """The database answers before what it was told is on the disk."""


def measure(*, is_quick: bool) -> list[Figure]:
    """All by turns, each alone; nothing takes what ours queues, so that nothing else works."""
    with ExitStack() as stack:
        plain, bare = stack.enter_context(_plain())
        keepers: dict[str, Keeper] = {
            "ours": stack.enter_context(_ours()),
            "plain": plain,
            "dj-stripe": stack.enter_context(_dj_stripe()),
            "bare": bare,
        }
        kept = _by_turns(keepers, is_quick)
    return [
        Figure(
            "intake against dj-stripe", kept["ours"], kept["dj-stripe"], unit=PER_SECOND, at_least=3
        ),
        Figure(
            "intake against plain Django",
            kept["ours"],
            kept["plain"],
            unit=PER_SECOND,
            at_least=0.85,
        ),
        Figure("intake against INSERT and COMMIT", kept["ours"], kept["bare"], unit=PER_SECOND),
    ]


def _by_turns(keepers: dict[str, Keeper], is_quick: bool) -> dict[str, list[float]]:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (ROUNDS, SECONDS)
    for keep in keepers.values():
        keep(WARMING_UP_SECONDS)
    kept: dict[str, list[float]] = {name: [] for name in keepers}
    for _ in range(rounds):
        for name, keep in keepers.items():
            kept[name].append(keep(seconds))
    return kept


@contextmanager
def _ours() -> Iterator[Keeper]:
    with running_system() as system:
        leave_only_the_web(system)
        path = urlsplit(system.environment["TIGO_PESA_CALLBACK_URL"]).path.removeprefix("/")
        yield _asking(int(system.environment["PORT"]), path)
        system.flush_redis()


def leave_only_the_web(system: System) -> None:
    for name in ("beat", "worker", "back_office", "collect"):
        system.stop_program(name)


@contextmanager
def _plain() -> Iterator[tuple[Keeper, Keeper]]:
    """The smallest project, and the bare loop on its table."""
    with _project("plain") as (port, database_url):
        yield _asking(port, PLAIN_PATH), lambda seconds: _insert(database_url, seconds)


@contextmanager
def _dj_stripe() -> Iterator[Keeper]:
    with _project("dj_stripe") as (port, _):
        yield _asking(port, STRIPE_PATH)


def _asking(port: int, path: str) -> Keeper:
    headers = {"Content-Type": "application/json", "Stripe-Signature": _stripe_signature()}
    request = post(path, BODY, headers)
    return lambda seconds: (
        answers_to(port, repeat(request), connections=CONNECTIONS, seconds=seconds).per_second
    )


def _stripe_signature() -> str:
    """Stripe's scheme v1: an HMAC over the time and the body."""
    now = int(time())
    digest = hmac.digest(STRIPE_SECRET.encode(), f"{now}.".encode() + BODY, "sha256").hex()
    return f"t={now},v1={digest}"


@contextmanager
def _project(name: str) -> Iterator[tuple[int, str]]:
    """One of `benchmarks.peers` behind the Procfile's web server: its port and its database."""
    module, port = f"benchmarks.peers.{name}", free_port()
    with (
        TemporaryDirectory() as folder,
        fresh_database(os.environ["DATABASE_URL"], Path(folder)) as database_url,
    ):
        programs = peers_environment()
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
            "WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY", "1"),
        }
        subprocess.run([programs / "python", "-m", module], cwd=ROOT, env=environment, check=True)
        command = procfile_command("web").replace("konektika.wsgi", f"{module}:application")
        server = Program(name, command, environment=environment, logs=Path(folder))
        server.start()
        try:
            wait_until(lambda: not is_free(port), START_SECONDS)
            yield port, database_url
        finally:
            server.stop()


def _insert(database_url: str, seconds: float) -> float:
    """INSERT and COMMIT in a loop on each of as many connections, with nothing of the web."""
    with ExitStack() as stack:
        servers = [stack.enter_context(closing(_connect(database_url))) for _ in range(CONNECTIONS)]
        pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))
        began = perf_counter()
        counts = pool.map(lambda server: _insert_until(server, began + seconds), servers)
        return sum(counts) / (perf_counter() - began)


def _connect(database_url: str) -> Any:
    """Raises NotDurable."""
    parts = urlsplit(database_url)
    server: Any = MySQLdb.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.removeprefix("/"),
    )
    with closing(server.cursor()) as cursor:
        cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
        if cursor.fetchone() != (1,):
            server.close()
            raise NotDurable("Set innodb_flush_log_at_trx_commit=1.")
    return server


def _insert_until(server: Any, deadline: float) -> int:
    count = 0
    with closing(server.cursor()) as cursor:
        while perf_counter() < deadline:
            cursor.execute(
                "INSERT INTO plain_kept (received_at, body) VALUES (NOW(6), %s)", (BODY,)
            )
            server.commit()
            count += 1
    return count
