"""What the app asks for most, on one process, beside Express and mysql2 on the same rows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.models import User
from benchmarks.figures import PER_CORE_SECOND, PER_SECOND, Figure
from benchmarks.intake import leave_only_the_web
from benchmarks.load import answers_to, get, post
from benchmarks.peers.node_packages import express_server
from benchmarks.people import People
from bundles.models import Bundle
from deploy.local.ports import free_port, is_free
from tests.fresh_database import ALIAS
from tests.person import PASSWORD
from tests.programs import Program
from tests.system import System, running_system
from tests.waiting import wait_until

CONNECTIONS = 16
BUNDLES, OWNERS = 200, 20
PEOPLE = 400  # who sign in by turns: ten tries in a quarter of an hour are allowed to each
ROUNDS, SECONDS = 5, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
WARMING_UP_SECONDS = 2.0
START_SECONDS = 30
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
JSON = {"Content-Type": "application/json"}


class Different(Exception):
    """The two servers do not say the same; `str()` tells what each says."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server's process, which may have children, and its port on the loopback address."""

    port: int
    process: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked without end, and how much of the peer's throughput ours has to have."""

    name: str
    requests: Iterator[bytes]
    at_least: float


def measure(*, is_quick: bool) -> list[Figure]:
    """Each question to both servers by turns, each alone."""
    with ExitStack() as stack:
        system = stack.enter_context(running_system())
        leave_only_the_web(system)
        questions = _questions(system)
        servers = {
            "ours": Server(int(system.environment["PORT"]), system.pid("web")),
            "express": stack.enter_context(_express(system)),
        }
        for server in servers.values():
            _keep_to_one_core(server.process)
        for question in questions:
            _compare(servers, next(question.requests))
        figures = [
            figure for question in questions for figure in _figures(question, servers, is_quick)
        ]
        system.flush_redis()
    return figures


def _questions(system: System) -> list[Question]:
    people = People(system)
    person = people.newcomer()
    payment = person.asks_to_pay(people.bundle_id)["payment_id"]
    identity = {"Authorization": f"Bearer {person.token}"}
    fill_catalogue(system)
    logins = [
        post("api/auth/login", json.dumps({"email": email, "password": PASSWORD}).encode(), JSON)
        for email in _people(system)
    ]
    return [
        Question("bundles, 20 of 200", repeat(get("api/bundles", {})), 0.5),
        Question("bundles, 100 of 200", repeat(get("api/bundles?limit=100", {})), 0.5),
        Question("status", repeat(get(f"api/payments/status/{payment}", identity)), 0.5),
        Question("login", cycle(logins), 0.8),
    ]


def fill_catalogue(system: System) -> None:
    """As many bundles on sale as are measured with, of several owners."""
    owners = [
        User(email=f"owner{number}@crowd.test", full_name=f"Mmiliki {number}", role=User.Role.OWNER)
        for number in range(OWNERS)
    ]
    owners = User.objects.using(ALIAS).bulk_create(owners)
    missing = BUNDLES - system.rows(Bundle).filter(is_active=True).count()
    Bundle.objects.using(ALIAS).bulk_create(
        Bundle(
            owner=owners[number % OWNERS],
            name=f"Kifurushi {number}",
            description="Fibre in Mwenge, shared by a neighbour; good for a phone or two.",
            data_limit_gb=number % 50 + 1,
            price=1000 + number * 50,
            duration_days=30,
            max_clients=50,
        )
        for number in range(missing)
    )


def _people(system: System) -> list[str]:
    """Addresses of people with the same password, hashed as it is in production."""
    hasher = PBKDF2PasswordHasher()
    password = hasher.encode(PASSWORD, hasher.salt())
    people = [
        User(email=f"person{number}@crowd.test", full_name="Neema Mteja", password=password)
        for number in range(PEOPLE)
    ]
    return [person.email for person in User.objects.using(ALIAS).bulk_create(people)]


@contextmanager
def _express(system: System) -> Iterator[Server]:
    home, port = express_server(), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "production",
        "DATABASE_URL": system.environment["DATABASE_URL"],
        "PORT": str(port),
    }
    with TemporaryDirectory() as logs:
        command = f"node {home / 'server.js'}"
        program = Program("express", command, environment=environment, logs=Path(logs))
        program.start()
        try:
            wait_until(lambda: not is_free(port), START_SECONDS)
            yield Server(port, program.pid)
        finally:
            program.stop()


def _figures(question: Question, servers: dict[str, Server], is_quick: bool) -> Iterator[Figure]:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (ROUNDS, SECONDS)
    per_core: dict[str, list[float]] = {name: [] for name in servers}
    per_second: dict[str, list[float]] = {name: [] for name in servers}
    for server in servers.values():
        _ask(server, question, WARMING_UP_SECONDS)
    for _ in range(rounds):
        for name, server in servers.items():
            of_a_core, of_a_second = _ask(server, question, seconds)
            per_core[name].append(of_a_core)
            per_second[name].append(of_a_second)
    yield Figure(
        f"{question.name}, against Express",
        per_core["ours"],
        per_core["express"],
        unit=PER_CORE_SECOND,
        at_least=question.at_least,
    )
    yield Figure(
        f"{question.name}, requests", per_second["ours"], per_second["express"], unit=PER_SECOND
    )


def _ask(server: Server, question: Question, seconds: float) -> tuple[float, float]:
    """Answers in a second of one core's work, and in a second."""
    before = _cpu_seconds(server.process)
    answers = answers_to(server.port, question.requests, connections=CONNECTIONS, seconds=seconds)
    return answers.count / (_cpu_seconds(server.process) - before), answers.per_second


def _keep_to_one_core(process: int) -> None:
    """As on a busy machine with a process for each core: its threads do not wait for one another's
    lock on several. What they start later stays there too.
    """
    core = min(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    for child in _children(process):
        _keep_to_one_core(child)


def _cpu_seconds(process: int) -> float:
    """Of a process and all below it, in its own code and in the kernel."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return own + sum(_cpu_seconds(child) for child in _children(process))


def _children(process: int) -> list[int]:
    return [
        int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def _compare(servers: dict[str, Server], request: bytes) -> None:
    """Raises Different."""
    ours, theirs = (_data(server, request) for server in servers.values())
    if ours != theirs:
        raise Different(f"{ours}\n{theirs}")


def _data(server: Server, request: bytes) -> Any:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    url = f"http://127.0.0.1:{server.port}{path}"
    answer = requests.request(method, url, data=body, headers=headers, timeout=START_SECONDS)
    said = answer.json()
    said["data"].pop("token", None)  # each has its own
    return said
