"""Does a sweep cost more when a million payments are finished?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from benchmarks import finished
from benchmarks.figures import Figure
from bundles.models import Purchase, Terms, terms_snapshot
from bundles.tests.factories import a_bundle
from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from konektika.celery import app
from payments.models import MobileMoneyTransaction, Payment, WebhookDelivery
from payments.providers import registry
from payments.services.query import check_attempt
from payments.services.sweep import sweep_attempts, sweep_deliveries, sweep_follow_ups
from payments.states import State
from payments.tests.factories import a_customer
from tests.fresh_database import fresh_database

SIZES = (10_000, 1_000_000)
QUICK_SIZES = (1_000, 20_000)
WARMING_UP, ROUNDS, QUICK_ROUNDS = 2, 15, 3
DUE = 200
WAITED = timedelta(minutes=1)

SWEEPS = (
    ("sweep of attempts", MobileMoneyTransaction, "next_check_at", sweep_attempts),
    ("sweep of deliveries", WebhookDelivery, "next_try_at", sweep_deliveries),
    ("sweep of follow-ups", Payment, "follow_up_at", sweep_follow_ups),
)
EXPIRY = "expiry of attempts"

Series = dict[str, list[float]]  # seconds per due row, by what was measured


class NotAsDue(Exception):
    """Something else was done than what was due; the times would mean nothing."""


def measure(*, is_quick: bool, is_verbose: bool) -> list[Figure]:
    """The same work by turns in a small and in a large database of one server."""
    few, many = QUICK_SIZES if is_quick else SIZES
    rounds = WARMING_UP + (QUICK_ROUNDS if is_quick else ROUNDS)
    times: dict[int, Series] = {few: {}, many: {}}
    app.set_current()
    # What a message costs is not the question. The name is the settings': the other would not be heard.
    app.conf.update(CELERY_BROKER_URL="memory://localhost/")
    with ExitStack() as stack:
        stack.enter_context(_own_redis())
        schemas = {size: stack.enter_context(_database(size, rounds * DUE)) for size in times}
        for number in range(rounds):
            for size, series in times.items():
                _use(schemas[size])
                _round(series, first=size + 1 + number * DUE)
        if is_verbose:
            for size, schema in schemas.items():
                _use(schema)
                _explain(size)
    return [
        Figure(name, times[many][name][WARMING_UP:], times[few][name][WARMING_UP:], at_most=1.2)
        for name in times[many]
    ]


@contextmanager
def _own_redis() -> Iterator[None]:
    """For what the providers' clients share; the Redis that was given is left alone."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    with redis_server(url), override_settings(REDIS_URL=url):
        registry.forget_clients()
        try:
            yield
        finally:
            registry.forget_clients()


@contextmanager
def _database(size: int, waiting: int) -> Iterator[str]:
    """A schema of the server with that many finished payments, and others that can become due."""
    before = connection.settings_dict["NAME"]
    with (
        TemporaryDirectory() as folder,
        fresh_database(os.environ["DATABASE_URL"], Path(folder)) as url,
    ):
        schema = urlsplit(url).path.removeprefix("/")
        _use(schema)
        try:
            call_command("migrate", verbosity=0)
            customer, bundle = a_customer(), a_bundle()
            terms = terms_snapshot(bundle, Terms.current())
            Purchase.objects.bulk_create(
                Purchase(
                    pk=key,
                    customer=customer,
                    bundle=bundle,
                    state=Purchase.State.ABANDONED,
                    **terms,
                )
                for key in range(1, waiting + 1)
            )
            finished.fill(payer=customer.pk, count=size, waiting=waiting)
            yield schema
        finally:
            _use(before)


def _use(schema: str) -> None:
    """Talk to that schema from now on."""
    connection.close()
    connection.settings_dict["NAME"] = schema


def _round(series: Series, first: int) -> None:
    """Let 200 rows of each kind become due and sweep them; then do what the sweep has queued."""
    keys = range(first, first + DUE)
    for name, model, column, sweep in SWEEPS:
        with _due(model, column, keys):
            series.setdefault(name, []).append(_seconds_each(sweep))
    series.setdefault(EXPIRY, []).append(_seconds_each(lambda: _expire(keys)))


@contextmanager
def _due(model: type[models.Model], column: str, keys: range) -> Iterator[None]:
    """Rows whose time has come, and no others, for the length of a `with` block."""
    rows = model._default_manager.filter(pk__range=(keys[0], keys[-1]))
    rows.update(**{column: timezone.now() - WAITED})
    try:
        yield
    finally:
        rows.update(**{column: None})


def _seconds_each(work: Callable[[], int]) -> float:
    """Seconds per row. Raises NotAsDue unless the work was done on all rows."""
    began = perf_counter()
    done = work()
    seconds = perf_counter() - began
    if done != DUE:
        raise NotAsDue(f"{done} rows instead of {DUE}")
    return seconds / DUE


def _expire(keys: range) -> int:
    for key in keys:
        check_attempt(attempt_id=key)
    return MobileMoneyTransaction.objects.filter(pk__in=keys, status=State.EXPIRED).count()


def _explain(size: int) -> None:
    """Print how many rows the database expects to read for the query of each sweep."""
    for name, model, column, sweep in SWEEPS:
        with CaptureQueriesContext(connection) as nothing_due:
            sweep()
        keys = range(size + 1, size + 1 + DUE)
        with _due(model, column, keys), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {nothing_due[0]['sql']}")
            names = [described[0] for described in cursor.description]
            plan = dict(zip(names, cursor.fetchone() or (), strict=True))
        print(f"{name}, {size} finished: key {plan['key']}, {plan['rows']} rows", flush=True)
