"""Do staff wait longer for the pages of payments when there are five million?"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from benchmarks.figures import Figure
from benchmarks.year import FEW, YEAR, use, years
from benchmarks.year_rows import Sale

WARMING_UP, ROUNDS = 4, 40
QUICK_SIZES, QUICK_ROUNDS = (2_000, 20_000), 8
ROLE = "support"
LIST = "/admin/payments/payment/"
PAGE = 20
STATES = ("initiated", "pending", "completed", "failed", "expired")
METHODS = ("vodacom_mpesa", "tigo_pesa", "airtel_money", "credit")
ATTENTION = ("waiting", "unfulfilled", "credited", "case")


@dataclass(frozen=True, slots=True)
class Turn:
    """One sample: its number, and a payment of the year that no other sample is about."""

    number: int
    sale: Sale

    def one_of(self, choices: tuple[str, ...]) -> str:
        return choices[self.number % len(choices)]


def _days(turn: Turn) -> dict[str, str]:
    """From one to seven business days, anywhere in the year, as the filter's form sends them."""
    ago = timedelta(days=7 + turn.sale.number * (YEAR.days - 14) // turn.sale.count)
    last = datetime.now(UTC).date() - ago
    first = last - timedelta(days=turn.number % 7)
    return {"created_at_from": f"{first:%d.%m.%Y}", "created_at_to": f"{last:%d.%m.%Y}"}


def _list(**query: str) -> str:
    return f"{LIST}?{urlencode(query)}"


def _box(text: str) -> str:
    return f"/admin/search/?{urlencode({'q': text})}"


# What is asked for, by what it is called; the box leads to the page of what was found.
QUESTIONS: dict[str, Callable[[Turn], str]] = {
    "list": lambda turn: LIST,
    f"list, page {PAGE}": lambda turn: _list(p=str(PAGE)),
    "list by state": lambda turn: _list(state__exact=turn.one_of(STATES)),
    "list by provider": lambda turn: _list(payment_method__exact=turn.one_of(METHODS)),
    "list by what needs attention": lambda turn: _list(attention=turn.one_of(ATTENTION)),
    "list by days": lambda turn: _list(**_days(turn)),
    "list by state, provider and days": lambda turn: _list(
        state__exact=turn.one_of(STATES), payment_method__exact=turn.one_of(METHODS), **_days(turn)
    ),
    "list searched by phone": lambda turn: _list(q=turn.one_of(turn.sale.phone_forms)),
    "list searched by reference": lambda turn: _list(q=turn.sale.reference),
    "list searched by receipt": lambda turn: _list(q=turn.sale.receipt),
    "box, by phone": lambda turn: _box(turn.one_of(turn.sale.phone_forms)),
    "box, by reference": lambda turn: _box(turn.sale.reference),
    "box, by receipt": lambda turn: _box(turn.sale.receipt),
    "payment's page": lambda turn: f"{LIST}{turn.sale.number}/change/",
}


class NotAnswered(Exception):
    """The page was not what was asked for; its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Year:
    """One of the two schemas, with somebody signed in to it and the times that were taken."""

    size: int
    schema: str
    client: Client
    pages: dict[str, list[float]]
    database: dict[str, list[float]]

    def ask(self, name: str, turn: Turn) -> None:
        use(self.schema)
        connection.ensure_connection()
        spent = DatabaseTime()
        with connection.execute_wrapper(spent):
            began = perf_counter()
            answer: Any = self.client.get(QUESTIONS[name](turn), follow=True)
            seconds = perf_counter() - began
        if answer.status_code != 200:
            raise NotAnswered(f"{name}: {answer.status_code}")
        self.pages.setdefault(name, []).append(seconds)
        self.database.setdefault(name, []).append(spent.seconds)


class DatabaseTime:
    """Sums what the database takes to answer, for `execute_wrapper`; fetching is part of it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += perf_counter() - began


def measure(*, kept: Path, payments: int, is_quick: bool, is_verbose: bool) -> list[Figure]:
    """The same pages by turns of a small and of a large year in one server."""
    few, many = QUICK_SIZES if is_quick else (FEW, payments)
    rounds = WARMING_UP + (QUICK_ROUNDS if is_quick else ROUNDS)
    with years(kept, (few, many)) as schemas:
        small, large = (_signed_in(size, schemas[size]) for size in (few, many))
        for name in QUESTIONS:
            for number in range(rounds):
                for year in (small, large):
                    year.ask(name, Turn(number, _sale(name, number, year.size)))
            if is_verbose:
                _explain(name, large)
    return [figure for name in QUESTIONS for figure in _figures(name, large, small)]


def signed_in(role: str) -> Client:
    """Somebody of that role, in the schema in use."""
    email = f"{role}@benchmark.test"
    person = User.objects.filter(email=email).first()
    if person is None:
        person = User.objects.create_user(email, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return client


def _signed_in(size: int, schema: str) -> Year:
    use(schema)
    return Year(size, schema, signed_in(ROLE), {}, {})


def _sale(name: str, number: int, size: int) -> Sale:
    """Some payment with a receipt; nothing is asked of the database, which would have it at hand."""
    chosen = random.Random(f"{name} {number}")  # noqa: S311 - nothing secret
    while True:
        sale = Sale(chosen.randint(1, size), size)
        if sale.has_receipt:
            return sale


def _figures(name: str, large: Year, small: Year) -> tuple[Figure, Figure]:
    measured, other = large.pages[name][WARMING_UP:], small.pages[name][WARMING_UP:]
    in_database = large.database[name][WARMING_UP:], small.database[name][WARMING_UP:]
    return (
        Figure(name, measured, other, percentile=95, at_most=1.5),
        Figure(f"{name}, the database alone", *in_database, percentile=95),
    )


def _explain(name: str, year: Year) -> None:
    """Print the slowest query of the page, and by which key the database finds its rows."""
    sale = _sale(name, -1, year.size)
    with CaptureQueriesContext(connection) as queries:
        year.client.get(QUESTIONS[name](Turn(0, sale)), follow=True)
    slowest = max(queries.captured_queries, key=lambda query: float(query["time"]))
    print(
        f"{name}: {len(queries)} queries; {slowest['time']} s: {slowest['sql'][:400]}", flush=True
    )
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {slowest['sql']}")
        for row in cursor.fetchall():
            print("   ", row, flush=True)
