"""What a dashboard of a year asks of the database when the year had five million payments."""

from __future__ import annotations

from pathlib import Path

from django.db import connection

from benchmarks.backoffice import QUICK_SIZES, DatabaseTime, signed_in
from benchmarks.figures import Figure
from benchmarks.year import use, years

WARMING_UP, ROUNDS = 2, 20
ROLE = "manager"
PAGE = "/admin/dashboard/?period=year"
LIMIT = 0.3  # seconds of database time


class NotAnswered(Exception):
    """The page was not what was asked for; its time would mean nothing."""


def measure(*, kept: Path, payments: int, is_quick: bool) -> list[Figure]:
    size = QUICK_SIZES[-1] if is_quick else payments
    with years(kept, (size,), are_rolled_up=True) as schemas:
        use(schemas[size])
        client = signed_in(ROLE)
        times = []
        for _ in range(WARMING_UP + ROUNDS):
            spent = DatabaseTime()
            with connection.execute_wrapper(spent):
                answer = client.get(PAGE)
            if answer.status_code != 200 or b"chart" not in answer.content:
                raise NotAnswered(f"{PAGE}: {answer.status_code}")
            times.append(spent.seconds)
    measured, limit = times[WARMING_UP:], [LIMIT]
    name = (
        f"a year's dashboard of {size:,} payments, the database alone, beside {LIMIT * 1000:g} ms"
    )
    return [
        Figure(name, measured, limit, at_most=1),
        Figure(name, measured, limit, at_most=1, percentile=95),
    ]
