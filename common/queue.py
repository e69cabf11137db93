"""Sending Celery messages as a hurry only: the row is what carries the work, a sweep finds it."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import sleep
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError

logger = logging.getLogger(__name__)


def hurry(task: Task[Any, Any], *args: Any) -> None:
    """Queue a task now. A broker that is away is logged and otherwise ignored."""
    try:
        task.apply_async(args=args)
    except (BrokerError, KombuError, OSError) as error:
        logger.warning("%s waits for its sweep: %s", task.name, error)


def hurry_on_commit(task: Task[Any, Any], *args: Any) -> None:
    """Queue a task once the current transaction is committed."""
    transaction.on_commit(partial(hurry, task, *args), robust=True)


class GatheredHurry:
    """Queues a task that takes a list of keys, from a thread of its own.

    Who asks for it waits for no broker. The first of a burst is sent at once, what comes in the
    moments after it goes together: a busy process would else do little but send messages. One that
    ends takes what it has not sent with it; the sweep finds it.
    """

    KEYS_MAX = 20  # in one message, whose task works through them one by one
    PAUSE_SECONDS = 0.01  # between two messages

    def __init__(self, task: Task[Any, Any]) -> None:
        self._task = task
        self._keys: SimpleQueue[int] = SimpleQueue()
        self._starting = Lock()
        self._thread: Thread | None = None

    def __call__(self, key: int) -> None:
        self._keys.put(key)
        if self._thread is None:  # not at import: the web server forks after that
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._send, name=self._task.name, daemon=True)
                self._thread.start()

    def _send(self) -> None:
        while True:
            keys = [self._keys.get()]
            with suppress(Empty):
                while len(keys) < self.KEYS_MAX:
                    keys.append(self._keys.get_nowait())
            try:
                hurry(self._task, keys)
            except Exception:
                logger.exception("%s waits for its sweep", self._task.name)
            sleep(self.PAUSE_SECONDS)
