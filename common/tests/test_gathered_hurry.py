"""What is asked for in a burst goes out in few messages, none of it lost and none twice."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty
from threading import Event

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from common.queue import GatheredHurry
from tests.waiting import wait_until

PATIENCE_SECONDS = 60


@pytest.fixture
def celery() -> Iterator[Celery]:
    with Celery(broker="memory://", set_as_current=False) as app:
        app.conf.task_default_queue = "burst"
        yield app


def test_a_burst_is_a_few_messages_with_each_key_once(celery: Celery) -> None:
    hurry = GatheredHurry(celery.task(name="work")(nothing))
    for key in range(50):
        hurry(key)
    messages: list[list[int]] = []

    def has_all() -> bool:
        messages.extend(waiting(celery))
        return sum(map(len, messages)) >= 50

    wait_until(has_all, PATIENCE_SECONDS)
    assert [key for keys in messages for key in keys] == list(range(50))
    assert len(messages) < 10
    assert max(map(len, messages)) <= GatheredHurry.KEYS_MAX


@pytest.mark.parametrize("failure", [OperationalError("away"), ValueError("unexpected")])
def test_what_cannot_be_sent_keeps_nothing_after_it_back(
    celery: Celery, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    task = celery.task(name="failing")(nothing)
    hurry, tried = GatheredHurry(task), Event()

    def fail(**_: object) -> None:
        tried.set()
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(task, "apply_async", fail)
        hurry(1)
        assert tried.wait(PATIENCE_SECONDS)
    hurry(2)
    assert wait_until(lambda: waiting(celery), PATIENCE_SECONDS) == [[2]]


def nothing(keys: list[int]) -> None:
    """Nobody works here."""


def waiting(app: Celery) -> list[list[int]]:
    """The keys of each message that waits in the queue, which is emptied."""
    found = []
    with app.connection_for_read() as connection, connection.SimpleQueue("burst") as queue:
        try:
            while True:
                message = queue.get_nowait()
                message.ack()
                found.append(message.payload[0][0])
        except Empty:
            return found
