"""`make run`: the server, its workers and the simulator on one machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from celery import Celery

from deploy.local import dotenv, gateway
from deploy.local.ports import free_port, is_free
from deploy.local.processes import Ended, Processes
from deploy.local.redis_server import NoRedis, answers, redis_server
from deploy.local.running import AlreadyRuns, Server, as_the_only_one

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path("var/log")
WORKERS = {"collect", "worker", "back_office", "messages"}


class CannotStart(Exception):
    """Something stands in the way; `str()` says what, and what to do."""


def main() -> int:
    """Returns 0 when it was asked to stop, 1 when something failed."""
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_once)
    try:
        _run()
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0
    except (AlreadyRuns, CannotStart, Ended, NoRedis, gateway.NotEnrolled, TimeoutError) as reason:
        _say(str(reason))
        return 1
    return 0


def _stop_once(number: int, frame: FrameType | None) -> None:
    """The first signal ends the program; the next ones would only disturb its end."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run() -> None:
    began = time.monotonic()
    if dotenv.write_once(Path(".env")):
        _say("Wrote .env with new secrets.")
    environment = dotenv.effective(Path(".env"), os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment["PYTHONUNBUFFERED"] = "1"
    # Celery's advice against root is for servers; here it would only hide what matters.
    environment["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
    # One web process is enough for one person; both variables are gunicorn's own.
    environment.setdefault("WEB_CONCURRENCY", "1")
    environment.setdefault(
        "GUNICORN_CMD_ARGS", f"--bind 127.0.0.1:{environment['PORT']} {gateway.WEB_STOPS_SOON}"
    )
    environment |= gateway.gateway_variables(environment, Path("var/gateway"))
    server = Server(
        url=f"http://127.0.0.1:{environment['PORT']}",
        simulator_url=f"http://127.0.0.1:{environment['SIMULATOR_PORT']}",
        process=os.getpid(),
    )
    LOGS.mkdir(parents=True, exist_ok=True)
    with as_the_only_one(server) as make_known, _redis(environment) as redis:
        for name in ("PORT", "SIMULATOR_PORT"):
            _check_port(name, environment[name])
        processes = Processes(environment=environment, logs=LOGS)
        if redis:
            processes.watch("redis", redis)
        try:
            processes.start("simulator", "python -m simulator")
            processes.wait_for("The simulator", lambda: _answers(f"{server.simulator_url}/"))
            accounts = _prepare(environment)
            for name, command in _procfile():
                processes.start(name, command)
            _wait_until_all_answer(processes, server, environment["REDIS_URL"])
            gateway.enrol(environment)
            processes.start("gateway", gateway.PROGRAM)
            make_known()
            _introduce(server, accounts, environment["DEMO_PASSWORD"], time.monotonic() - began)
            processes.wait()
        finally:
            processes.stop()


def _check_port(name: str, text: str) -> None:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise CannotStart(f"{name} is {text!r}: write a number from 1 to 65535.")
    if not is_free(int(text)):
        raise CannotStart(
            f"Port {text} is already in use: stop what listens there, or choose another, "
            f"as in `make run {name}={int(text) + 1000}`."
        )


@contextmanager
def _redis(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes] | None]:
    """The Redis of REDIS_URL: the one that answers there, else one of our own on this machine."""
    url = environment.setdefault("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    if answers(url):
        yield None
        return
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost"):
        raise CannotStart(f"No Redis answers at {parts.hostname}, which REDIS_URL names.")
    if not is_free(parts.port or 6379):
        moved = parts._replace(netloc=f":{parts.password or ''}@127.0.0.1:{free_port()}")
        url = environment["REDIS_URL"] = moved.geturl()
        _say(f"Port {parts.port} of REDIS_URL is taken: Redis has another one this time.")
    with redis_server(url) as server:
        yield server


def _prepare(environment: Mapping[str, str]) -> str:
    """Database, demo data and static files; returns the demo accounts, one on a line."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.prepare"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise CannotStart("The database could not be prepared: the reason is above.")
    return done.stdout


def _procfile() -> list[tuple[str, str]]:
    lines = Path("Procfile").read_text(encoding="utf-8").splitlines()
    return [(name, command.strip()) for name, _, command in (line.partition(":") for line in lines)]


def _wait_until_all_answer(processes: Processes, server: Server, redis_url: str) -> None:
    broker = Celery(broker=redis_url)

    def workers_answer() -> bool:
        replies = broker.control.ping(timeout=0.5, limit=len(WORKERS)) or []
        return {name.partition("@")[0] for reply in replies for name in reply} >= WORKERS

    processes.wait_for("The server", lambda: _answers(f"{server.url}/health/ready"))
    processes.wait_for("The workers", workers_answer)
    beat_log = LOGS / "beat.log"
    processes.wait_for("The beat", lambda: b"beat: Starting" in beat_log.read_bytes())


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own http URL
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _introduce(server: Server, accounts: str, password: str, seconds: float) -> None:
    people = "\n".join(f"    {line}" for line in accounts.splitlines())
    _say(
        f"""
Konektika runs, after {seconds:.1f} s.

  The web page         {server.url}/
  The API, to try      {server.url}/api/docs
  The back-office      {server.url}/admin/
  The phones           {server.simulator_url}/
  Logs                 {LOGS}/

  Demo accounts, password {password}
{people}

  `make demo` in another terminal buys a bundle by each provider. Ctrl-C stops everything.
"""
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
