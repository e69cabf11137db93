"""Redis goes away while a worker has messages in hand: the worker stays, and hears the next Redis."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from celery import Celery
from redis.exceptions import RedisError

from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from tests.programs import Program, procfile
from tests.system import own_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.redis

SECONDS = 30
LATER_SECONDS = 600  # until then the worker holds the message without an acknowledgement
TASK = "payments.tasks.sweep_deliveries"
TIMES = 3


@pytest.mark.parametrize(("name", "queue"), [("collect", "collect"), ("worker", "default")])
def test_a_worker_outlives_its_broker(tmp_path: Path, name: str, queue: str) -> None:
    redis_url = f"redis://127.0.0.1:{free_port()}/0"
    environment = own_environment(
        tmp_path, REDIS_URL=redis_url, DATABASE_URL=f"sqlite:///{tmp_path}/unused.sqlite3"
    )
    worker = procfile(environment, tmp_path)[name]
    with ExitStack() as stack:
        with redis_server(redis_url):
            worker.start()
            stack.callback(worker.stop)
            _hold_a_message(worker, redis_url, queue)
        for _ in range(TIMES):
            with redis_server(redis_url):
                _hold_a_message(worker, redis_url, queue)


def _hold_a_message(worker: Program, redis_url: str, queue: str) -> None:
    """Once it listens, give it a message that it has to keep."""
    with Celery(broker=redis_url, set_as_current=False) as app:
        wait_until(lambda: not worker.is_running() or _answers(app), SECONDS)
        assert worker.is_running(), worker.said()
        heard = worker.bytes_said()
        app.send_task(TASK, queue=queue, countdown=LATER_SECONDS)
        wait_until(lambda: f"Task {TASK}" in worker.said(heard), SECONDS)


def _answers(app: Celery) -> bool:
    try:
        return bool(app.control.ping(timeout=1, limit=1))
    except RedisError:
        return False
