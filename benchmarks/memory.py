"""Does a worker grow with what it has processed?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from celery import Celery
from django.utils import timezone
from redis import Redis

from benchmarks.figures import MEGABYTES, Figure
from benchmarks.people import People
from benchmarks.procfile import procfile_command
from payments.models import MobileMoneyTransaction, ProviderCall, WebhookDelivery
from payments.services.apply_delivery import UNMATCHED_RETRY_SECONDS
from payments.states import State
from tests.callbacks import tigo
from tests.programs import Program
from tests.system import System, running_system
from tests.waiting import wait_until

DELIVERIES, QUICK_DELIVERIES = 100_000, 6_000
WARMING_UP, QUICK_WARMING_UP = 5_000, 1_000
BATCH = 500
SAMPLES = 5  # of the memory, one after each batch
QUEUE = "webhooks"
PATIENCE_SECONDS = 120

Ended = WebhookDelivery.State


class NotProcessed(Exception):
    """Deliveries are left over, or ended as something else than what they are."""


def measure(*, is_quick: bool) -> list[Figure]:
    """The memory of a worker and of its process after a warm-up and at the end."""
    total = QUICK_DELIVERIES if is_quick else DELIVERIES
    warming_up = QUICK_WARMING_UP if is_quick else WARMING_UP
    with running_system() as system:
        paid = _paid_reference(system, People(system))
        for name in ("beat", "worker", "back_office", "collect", "web"):
            system.stop_program(name)
        with _one_worker(system) as (parent, child):
            memory: dict[int, list[int]] = {parent: [], child: []}
            for _ in _batches(system, paid, total):
                for process, samples in memory.items():
                    samples.append(_proportional_bytes(process))
        _check(system, total)
        system.flush_redis()
    early = slice(warming_up // BATCH, warming_up // BATCH + SAMPLES)
    late = slice(-SAMPLES, None)
    return [
        Figure(
            f"memory of the worker's {name} after {total} deliveries",
            memory[process][late],
            memory[process][early],
            unit=MEGABYTES,
            at_most=1.1,
        )
        for name, process in (("process", child), ("parent", parent))
    ]


def _paid_reference(system: System, people: People) -> str:
    """The reference of a payment that was paid and settled."""
    person = people.newcomer()
    reference = str(person.asks_to_pay(people.bundle_id)["transaction_reference"])
    attempts = system.rows(MobileMoneyTransaction).filter(reference=reference)
    calls = system.rows(ProviderCall).filter(
        attempt__reference=reference, finished_at__isnull=False
    )
    wait_until(calls.exists, PATIENCE_SECONDS)
    requests.post(
        system.environment["TIGO_PESA_CALLBACK_URL"],
        data=_callback(system, reference),
        timeout=PATIENCE_SECONDS,
    )
    wait_until(attempts.filter(status=State.COMPLETED).exists, PATIENCE_SECONDS)
    return reference


def _callback(system: System, reference: str) -> bytes:
    code = system.environment["TIGO_PESA_BILLER_CODE"]
    return tigo(f"{code}{reference}", amount=1000, receipt=f"MFS{reference}")


@contextmanager
def _one_worker(system: System) -> Iterator[tuple[int, int]]:
    """The Procfile's worker with one process under it: the ids of both."""
    with TemporaryDirectory() as folder:
        worker = Program(
            "worker",
            f"{procfile_command('worker')} --concurrency 1",
            environment=system.environment,
            logs=Path(folder),
        )
        worker.start()
        try:
            with Celery(broker=system.redis_url, set_as_current=False) as app:
                stats = wait_until(app.control.inspect().stats, PATIENCE_SECONDS)
            (facts,) = stats.values()
            (child,) = facts["pool"]["processes"]
            yield facts["pid"], child
        finally:
            worker.stop()


def _batches(system: System, paid: str, total: int) -> Iterator[None]:
    """Have that many deliveries processed, at most two batches of them waiting; a turn for each."""
    kinds: cycle[dict[str, Any]] = cycle(
        [
            {"body": _callback(system, paid)},
            # As if it had waited its minute for its attempt: its next look is the last.
            {
                "body": _callback(system, "0NOBODYS0000"),
                "tries": len(UNMATCHED_RETRY_SECONDS),
            },
            {"body": b'{"Status": true, "Refer'},
        ]
    )
    with (
        Celery(broker=system.redis_url, set_as_current=False) as app,
        Redis.from_url(system.redis_url) as redis,
    ):
        for _ in range(total // BATCH):
            deliveries = system.rows(WebhookDelivery).bulk_create(
                WebhookDelivery(
                    dialect="tigo_pesa",
                    source="127.0.0.1",
                    trust=WebhookDelivery.Trust.SECRET_PATH,
                    headers={"Content-Type": "application/json"},
                    body_bytes=100,
                    next_try_at=timezone.now(),
                    **kind,
                )
                for kind in islice(kinds, BATCH)
            )
            for delivery in deliveries:
                app.send_task("payments.tasks.apply_deliveries", [[delivery.pk]], queue=QUEUE)
            wait_until(lambda: redis.llen(QUEUE) <= BATCH, PATIENCE_SECONDS)
            yield
        wait_until(lambda: redis.llen(QUEUE) == 0, PATIENCE_SECONDS)


def _check(system: System, total: int) -> None:
    """Raises NotProcessed unless each delivery of the three kinds ended as what it is."""
    rows = system.rows(WebhookDelivery)
    for state in (Ended.REPEATED, Ended.UNMATCHED, Ended.MALFORMED):
        if rows.filter(state=state).count() < total // 3 - 1:
            raise NotProcessed(f"too few deliveries are {state}")


def _proportional_bytes(process: int) -> int:
    """What a process has of the memory, of shared pages its share."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
    return int(kilobytes) * 1024
