"""What does it cost to import and match a statement of a million lines?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection

from benchmarks import collected
from benchmarks.figures import MEGABYTES, PER_SECOND, Figure, Unit
from benchmarks.peers.environment import peers_environment
from payments.models import Bucket, StatementLine
from payments.tests.factories import a_customer
from tests.fresh_database import fresh_database
from tests.programs import ROOT

SIZES, QUICK_SIZES = (100_000, 1_000_000), (10_000, 50_000)
ROUNDS, QUICK_ROUNDS = 3, 1
LINE_BY_LINE, QUICK_LINE_BY_LINE = 10_000, 1_000
MEMORY_LIMIT = 400 * 10**6  # bytes
SECONDS = Unit("s")
# What ours writes: emptied between two rounds.
WRITTEN = (
    "payments_match", "payments_candidate", "payments_lineversion", "payments_statementline",
    "payments_faultyrow", "payments_statementfile", "payments_matchturn", "cases_case",
)  # fmt: skip

Told = Mapping[str, float]  # by a process, of itself: seconds and bytes
Series = dict[str, list[Told]]


class NotMatched(Exception):
    """Something else was matched than what can be; the times would mean nothing."""


@dataclass(frozen=True, slots=True)
class World:
    """A schema with finished collections, and the two files about them."""

    database_url: str
    statement: Path
    payments: Path
    lines: int

    @property
    def schema(self) -> str:
        return urlsplit(self.database_url).path.removeprefix("/")


def measure(*, is_quick: bool) -> list[Figure]:
    """Ours and the bare join by turns for the large statement; ours once more for the small one."""
    few, many = QUICK_SIZES if is_quick else SIZES
    rounds = QUICK_ROUNDS if is_quick else ROUNDS
    with _world(few) as world:
        small = [_ours(world) for _ in range(rounds)]
    with _world(many) as world:
        large: list[Told] = []
        bare: list[Told] = []
        for _ in range(rounds):
            large.append(_ours(world))
            bare.append(_join(world))
        by_line = _line_by_line(world, QUICK_LINE_BY_LINE if is_quick else LINE_BY_LINE)
        lines = world.lines
    return _figures(small, large, bare, by_line, lines)


def _figures(
    small: list[Told], large: list[Told], bare: list[Told], by_line: Told, lines: int
) -> list[Figure]:
    name = f"statement of {lines} lines"
    seconds = [told["import"] + told["match"] for told in large]
    memory = [told["memory"] for told in large]
    joined = [told["join"] + told["load"] for told in bare]
    return [
        Figure(f"{name}, beside a bare join", seconds, joined, unit=SECONDS, at_most=3),
        Figure(f"{name}, its import alone", [told["import"] for told in large], joined, SECONDS),
        Figure(f"{name}, its matching alone", [told["match"] for told in large], joined, SECONDS),
        Figure(f"{name}, memory", memory, [MEMORY_LIMIT], unit=MEGABYTES, at_most=1),
        Figure(
            f"{name}, memory beside that for a tenth",
            memory,
            [told["memory"] for told in small],
            unit=MEGABYTES,
            at_most=1.2,
        ),
        Figure(
            f"{name}, beside one line at a time",
            [lines / each for each in seconds],
            [by_line["lines"] / by_line["seconds"]],
            unit=PER_SECOND,
            at_least=20,
        ),
    ]


@contextmanager
def _world(size: int) -> Iterator[World]:
    before = connection.settings_dict["NAME"]
    with (
        TemporaryDirectory() as folder,
        fresh_database(os.environ["DATABASE_URL"], Path(folder)) as url,
    ):
        statement, payments = Path(folder) / "statement.csv", Path(folder) / "payments.csv"
        world = World(url, statement, payments, 0)
        _use(world.schema)
        try:
            call_command("migrate", verbosity=0)
            collected.fill(payer=a_customer().pk, count=size)
            collected.write_payments(payments)
            lines = collected.write_statement(statement)
            yield World(url, statement, payments, lines)
        finally:
            _use(before)


def _use(schema: str) -> None:
    """Talk to that schema from now on."""
    connection.close()
    connection.settings_dict["NAME"] = schema


def _ours(world: World) -> Told:
    """Raises NotMatched."""
    told = _told(
        [sys.executable, "-m", "benchmarks.import_and_match", str(world.statement)],
        world.database_url,
    )
    _check(world)
    _forget()
    return told


def _join(world: World) -> Told:
    files = [str(world.statement), str(world.payments)]
    return _told(_peer("join", *files), world.database_url)


def _line_by_line(world: World, lines: int) -> Told:
    files = [str(world.statement), str(world.payments)]
    with fresh_database(os.environ["DATABASE_URL"], world.statement.parent) as url:
        return _told(_peer("line_by_line", *files, str(lines)), url)


def _peer(name: str, *arguments: str) -> list[str]:
    return [str(peers_environment() / "python"), "-m", f"benchmarks.peers.{name}", *arguments]


def _told(command: list[str], database_url: str) -> Told:
    """What a process says of itself in its last line. Raises CalledProcessError."""
    environment = {**os.environ, "DATABASE_URL": database_url}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def _check(world: World) -> None:
    """Raises NotMatched unless every line is there, and all are matched but for a few in a thousand."""
    rows = StatementLine.objects.count()
    matched = StatementLine.objects.filter(bucket=Bucket.MATCHED).count()
    if rows != world.lines or matched < 0.99 * rows:
        raise NotMatched(f"{rows} of {world.lines} lines, {matched} matched")


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for table in WRITTEN:
            cursor.execute(f"TRUNCATE TABLE {table}")
        cursor.execute("SET foreign_key_checks = 1")
