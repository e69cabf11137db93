"""The yardstick: a Celery task that does nothing, on the system's broker with the system's options."""

from __future__ import annotations

import os

from celery import Celery

WORKER = (
    "python -m celery --quiet --app benchmarks.empty_task worker "
    "--hostname benchmark@%h --queues benchmark"
)

app = Celery("benchmark")
app.conf.update(
    task_default_queue="benchmark",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
)


def use_broker(url: str) -> None:
    """Send the task, and hear of its end, through the Redis at that URL."""
    app.conf.update(broker_url=url, result_backend=url)


@app.task
def nothing() -> None:
    """Do nothing."""


if "REDIS_URL" in os.environ:  # in the worker, which has the system's environment
    use_broker(os.environ["REDIS_URL"])
