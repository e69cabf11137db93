"""How long is a customer who has paid still offline?"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

import requests
from django.db import connections
from django.db.models import QuerySet

from benchmarks import empty_task
from benchmarks.figures import Figure
from benchmarks.people import People
from bundles.models import Subscription
from payments.models import MobileMoneyTransaction, ProviderCall, WebhookDelivery
from tests.programs import Program
from tests.system import System
from tests.waiting import wait_until

ROUNDS = 60
WARMING_UP = 5
FIRST_LOOK_SECONDS = 0.01  # after the callback's answer; it was never quicker
LOOK_EVERY_SECONDS = 0.0005
PATIENCE_SECONDS = 20


def measure(system: System, people: People) -> Figure:
    """A callback and an empty task by turns, one at a time."""
    activations, tasks = [], []
    with _yardstick(system):
        for _ in range(WARMING_UP + ROUNDS):
            activations.append(_activation(system, people))
            tasks.append(_empty_task())
    return Figure(
        "callback to active subscription", activations[WARMING_UP:], tasks[WARMING_UP:], at_most=5
    )


def pays(system: System, people: People) -> float:
    """Have somebody new pay; returns when another connection saw the subscription, s since 1970."""
    return _purchase(system, people)[1].timestamp()


def _activation(system: System, people: People) -> float:
    """Seconds from a callback's storing until another connection sees the subscription."""
    reference, seen_at = _purchase(system, people)
    attempt = system.rows(MobileMoneyTransaction).get(reference=reference)
    delivery = wait_until(
        system.rows(WebhookDelivery).filter(attempt=attempt).first, PATIENCE_SECONDS
    )
    return (seen_at - delivery.received_at).total_seconds()


def _purchase(system: System, people: People) -> tuple[str, datetime]:
    person = people.newcomer()
    reference = person.asks_to_pay(people.bundle_id)["transaction_reference"]
    attempt = system.rows(MobileMoneyTransaction).get(reference=reference)
    answered = system.rows(ProviderCall).filter(attempt=attempt, finished_at__isnull=False)
    wait_until(answered.exists, PATIENCE_SECONDS)
    active = system.rows(Subscription).filter(customer_id=person.id, state="active")
    is_active = _cheap_look(active)
    environment = system.environment
    requests.post(
        environment["TIGO_PESA_CALLBACK_URL"],
        json={
            "Status": True,
            "Description": "Paid",
            "MFSTransactionID": f"MFS{reference}",
            "ReferenceID": environment["TIGO_PESA_BILLER_CODE"] + reference,
            "Amount": "1000",
        },
        timeout=PATIENCE_SECONDS,
    )
    Event().wait(FIRST_LOOK_SECONDS)  # looking takes the cores from the work that is measured
    wait_until(is_active, PATIENCE_SECONDS, every=LOOK_EVERY_SECONDS)
    return reference, datetime.now(UTC)


def _cheap_look(rows: QuerySet[Subscription]) -> Callable[[], bool]:
    """Whether there is such a row, with its statement compiled once."""
    statement, parameters = rows.values("pk").query.get_compiler(rows.db).as_sql()
    cursor = connections[rows.db].cursor()

    def look() -> bool:
        cursor.execute(statement, parameters)
        return cursor.fetchone() is not None

    return look


def _empty_task() -> float:
    began = perf_counter()
    empty_task.nothing.delay().get(timeout=PATIENCE_SECONDS)
    return perf_counter() - began


@contextmanager
def _yardstick(system: System) -> Iterator[None]:
    """A worker that only knows the empty task."""
    empty_task.use_broker(system.redis_url)
    with TemporaryDirectory() as folder:
        worker = Program(
            "benchmark", empty_task.WORKER, environment=system.environment, logs=Path(folder)
        )
        worker.start()
        try:
            _empty_task()
            yield
        finally:
            worker.stop()
            gc.collect()  # a result that is collected says so to Redis, which must be there still
