"""What a year's dashboard asks of the database, of everybody's five million payments or one owner's."""

from __future__ import annotations

from pathlib import Path

from django.db import connection
from django.test import Client

from benchmarks.backoffice import QUICK_SIZES, DatabaseTime, signed_in
from benchmarks.figures import Figure
from benchmarks.year import use, years

WARMING_UP, ROUNDS = 2, 20
ROLE = "manager"
PAGES = {
    "a year's dashboard": "/admin/dashboard/?period=year",
    "that of one owner in four": "/admin/dashboard/?period=year&owner=1",
}
LIMIT = 0.3  # seconds of database time


class NotAnswered(Exception):
    """The page was not what was asked for; its time would mean nothing."""


def measure(*, kept: Path, payments: int, is_quick: bool) -> list[Figure]:
    size = QUICK_SIZES[-1] if is_quick else payments
    with years(kept, (size,), are_rolled_up=True) as schemas:
        use(schemas[size])
        client = signed_in(ROLE)
        spent = {name: _spent(client, page) for name, page in PAGES.items()}
    return [
        Figure(
            f"{name} of {size:,} payments, the database alone, beside {LIMIT * 1000:g} ms",
            seconds,
            [LIMIT],
            at_most=1,
            percentile=percentile,
        )
        for name, seconds in spent.items()
        for percentile in (50, 95)
    ]


def _spent(client: Client, page: str) -> list[float]:
    """Seconds of the database for each asking."""
    times = []
    for _ in range(WARMING_UP + ROUNDS):
        spent = DatabaseTime()
        with connection.execute_wrapper(spent):
            answer = client.get(page)
        if answer.status_code != 200 or b"chart" not in answer.content:
            raise NotAnswered(f"{page}: {answer.status_code}")
        times.append(spent.seconds)
    return times[WARMING_UP:]
