"""A system that can be hurt: servers of its own that start again, a wire that breaks, more programs.

Beside the Procfile's programs run a second beat, a worker for all queues whose clock is two minutes
ahead, and somebody in finance who refunds and pays out.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import connections

from deploy.local.mariadb_server import MariaDB
from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from tests.chaos import wire
from tests.fresh_database import ALIAS, fresh_database, readable_here
from tests.programs import Program
from tests.system import System, own_environment
from tests.waiting import wait_until

AHEAD = (
    "python -m tests.chaos.ahead --quiet --app konektika worker --hostname ahead@%h "
    "--without-mingle --without-gossip --loglevel info "
    "--queues collect,webhooks,messages,default,back_office "
    "--pool threads --concurrency 8"
)
BEAT = "python -m celery --quiet --app konektika beat --loglevel info"
FINANCE = "python -m tests.chaos.finance"
TROUBLEMAKERS = ("ahead", "beat-2", "finance")  # gone when the faults stop


class Stage:
    """The system, its servers and its wire. Call it from the thread that made it: its programs end
    with that thread."""

    def __init__(
        self, system: System, mariadb: MariaDB, redis: ExitStack, line: Program, logs: Path
    ) -> None:
        self.system = system
        self.logs = logs
        self._mariadb = mariadb
        self._redis = redis
        self._wire = line

    def empty_redis(self) -> None:
        """Redis ends and starts again; it keeps nothing."""
        self._redis.close()
        self._redis.enter_context(redis_server(self.system.redis_url))

    def stop_mariadb(self) -> None:
        self._mariadb.stop()
        self._start_mariadb()

    def kill_mariadb(self) -> None:
        self._mariadb.kill()
        self._start_mariadb()

    def cut_all(self) -> None:
        """Every connection to the database is lost in the middle of whatever it does."""
        self._wire.tell(signal.SIGUSR1)

    def cut_a_commit(self) -> None:
        """The next COMMIT's connection is lost: in turn before and after the server had it."""
        self._wire.tell(signal.SIGUSR2)

    def _start_mariadb(self) -> None:
        self._mariadb.start_again()
        connections[ALIAS].close()  # ours is dead like everybody's

    def words(self) -> str:
        """All that all programs have said."""
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace") for path in self.logs.glob("*.log")
        )


@contextmanager
def stage(folder: Path, mariadb: MariaDB, *, seed: int) -> Iterator[Stage]:
    """A running system in the folder, its logs too, for the length of a `with` block."""
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(mariadb.url, folder))
        stack.enter_context(readable_here(url))
        redis = stack.enter_context(ExitStack())
        redis_url = f"redis://127.0.0.1:{free_port()}/0"
        redis.enter_context(redis_server(redis_url))
        port = free_port()
        environment = own_environment(
            folder,
            DATABASE_URL=url.replace(f":{mariadb.port}/", f":{port}/"),
            REDIS_URL=redis_url,
            REFUND_WINDOW_DAYS="0",  # earned at once, so that there is something to pay out
            CHAOS_SEED=str(seed),
        )
        command = f"python -m tests.chaos.wire {port} {mariadb.port}"
        line = Program("wire", command, environment=environment, logs=folder)
        line.start()
        stack.callback(line.stop)
        wait_until(lambda: wire.STARTED in line.said(), 30)
        more = {"beat-2": BEAT, "ahead": AHEAD, "finance": FINANCE}
        system = System(environment, folder, more)
        stack.callback(system.stop)
        system.start()
        yield Stage(system, mariadb, redis, line, folder)
