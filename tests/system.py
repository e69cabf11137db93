"""The real thing as processes: web, workers, beat and simulator on a fresh database and a Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from celery import Celery
from django.db.models import Model, QuerySet
from redis import Redis
from redis.exceptions import RedisError

from deploy.local import dotenv, gateway
from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from tests.fresh_database import ALIAS, fresh_database, readable_here
from tests.programs import ROOT, Program, procfile
from tests.waiting import wait_until

Row = TypeVar("Row", bound=Model)

START_SECONDS = 60
WORKERS = ("collect", "worker", "back_office", "messages")


class System:
    """A running Konektika with its simulator. Everything in it is real but the providers."""

    def __init__(
        self,
        environment: Mapping[str, str],
        logs: Path,
        more: Mapping[str, str] | None = None,
        *,
        has_gateway: bool = True,
    ) -> None:
        """`more` are programs beside the Procfile's: a name, and a command as it writes them.

        Without a gateway the test brings one of its own: its token lies where `token_file` says.
        """
        self._has_gateway = has_gateway
        self.environment = dict(environment)
        self.url = f"http://127.0.0.1:{environment['PORT']}"
        self.simulator_url = f"http://127.0.0.1:{environment['SIMULATOR_PORT']}"
        self.redis_url = environment["REDIS_URL"]
        self._logs = logs
        self._programs = {
            "simulator": Program(
                "simulator", "python -m simulator", environment=environment, logs=logs
            ),
            **procfile(environment, logs),
            "gateway": Program("gateway", gateway.PROGRAM, environment=environment, logs=logs),
            **{
                name: Program(name, command, environment=environment, logs=logs)
                for name, command in (more or {}).items()
            },
        }
        self._heard: dict[str, int] = {}

    def start(self) -> None:
        """Prepare the database and start all programs; returns once each answers."""
        self._programs["simulator"].start()
        self._wait_until_it_answers("simulator")
        self._prepare()
        for name, program in self._programs.items():
            if name != "gateway" and not program.is_running():
                program.start()
        for name in self._programs:
            if name != "gateway":
                self._wait_until_it_answers(name)
        if self._has_gateway:
            gateway.enrol(self.environment)
            self._programs["gateway"].start()

    def stop(self) -> None:
        for program in reversed(self._programs.values()):
            program.stop()

    def is_running(self, name: str) -> bool:
        return self._programs[name].is_running()

    def pid(self, name: str) -> int:
        """The process of a program that was started."""
        return self._programs[name].pid

    def stop_program(self, name: str) -> None:
        """Stop one program as a deployment does; the others go on."""
        self._programs[name].stop()

    def kill(self, name: str) -> None:
        """SIGKILL a program and its children."""
        self._programs[name].kill()

    def start_again(self, name: str) -> None:
        """Start a program that was stopped or killed, and wait for nothing."""
        self._programs[name].start()

    def restart(self, name: str) -> None:
        """Start a program again, after stopping it if it still runs."""
        program = self._programs[name]
        program.stop()
        program.start()
        self._wait_until_it_answers(name)

    def flush_redis(self) -> None:
        """Empty the broker, the cache and the shared tokens."""
        with Redis.from_url(self.redis_url) as redis:
            redis.flushdb()

    def rows(self, model: type[Row]) -> QuerySet[Row]:
        """The system's own rows of a model, read and written past all services."""
        return model._default_manager.using(ALIAS)

    def manage(self, *arguments: str) -> str:
        """What one of Django's commands prints in the system's environment."""
        return self._run("manage.py", *arguments)

    def listen(self) -> None:
        """Forget what the programs have said so far."""
        self._heard = {name: program.bytes_said() for name, program in self._programs.items()}

    def said(self) -> dict[str, str]:
        """What each program wrote since `listen`."""
        return {
            name: program.said(self._heard.get(name, 0)) for name, program in self._programs.items()
        }

    def _prepare(self) -> None:
        self._run("-m", "deploy.local.prepare")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _wait_until_it_answers(self, name: str) -> None:
        program = self._programs[name]
        wait_until(lambda: not program.is_running() or self._answers(name), START_SECONDS)
        assert program.is_running(), f"{name} ended:\n{program.said()}"

    def _answers(self, name: str) -> bool:
        if name == "simulator":
            return _is_ok(f"{self.simulator_url}/control/truth")
        if name == "web":
            return _is_ok(f"{self.url}/health/ready")
        if name in WORKERS:
            return name in self._workers_that_answer()
        return not name.startswith("beat") or "beat: Starting" in self._programs[name].said()

    def _workers_that_answer(self) -> set[str]:
        with Celery(broker=self.redis_url, set_as_current=False) as app:
            try:
                replies = app.control.ping(timeout=1, limit=len(WORKERS)) or []
            except RedisError:  # by a connection of this process that an earlier Redis knew
                return set()
            return {worker.partition("@")[0] for reply in replies for worker in reply}


@contextmanager
def running_system(*, has_gateway: bool = True, **variables: str) -> Iterator[System]:
    """A system for the length of a `with` block, against DATABASE_URL and REDIS_URL where given.

    Without them it has an SQLite file and a Redis of its own. `variables` are settings of its own.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="konektika-system-")))
        database_url = stack.enter_context(
            fresh_database(os.environ.get("DATABASE_URL", ""), folder)
        )
        redis_url = _redis_url(stack, is_shared=has_gateway)
        urls = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        environment = own_environment(folder, **urls, **variables)
        stack.enter_context(readable_here(database_url))
        system = System(environment, folder, has_gateway=has_gateway)
        stack.callback(system.stop)
        system.start()
        yield system


def own_environment(folder: Path, **variables: str) -> dict[str, str]:
    """What the programs of a system in this folder are told: free ports, new secrets, `variables`."""
    explicit = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "DOTENV": "",
        "PORT": str(free_port()),
        "SIMULATOR_PORT": str(free_port()),
        "SIMULATOR_DATABASE": str(folder / "simulator.sqlite3"),
        "GATEWAY_DRY_RUN_KBPS": "0",
        **variables,
    }
    dotenv.write_once(folder / ".env")
    environment = dotenv.effective(folder / ".env", explicit)
    environment["GUNICORN_CMD_ARGS"] = (
        f"--bind 127.0.0.1:{environment['PORT']} {gateway.WEB_STOPS_SOON}"
    )
    environment.setdefault("WEB_CONCURRENCY", "1")
    return environment | gateway.gateway_variables(environment, folder / "gateway")


def _redis_url(stack: ExitStack, *, is_shared: bool) -> str:
    """A numbered database of the given Redis for each of pytest's workers, or an own Redis.

    A system with a gateway of its own may run beside a worker's usual one: it does not share.
    """
    given = os.environ.get("REDIS_URL")
    if given and is_shared:
        number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
        return urlsplit(given)._replace(path=f"/{number}").geturl()
    url = f"redis://127.0.0.1:{free_port()}/0"
    stack.enter_context(redis_server(url))
    return url


def _is_ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False
