"""Sending Celery messages as a hurry only: the row is what carries the work, a sweep finds it."""

from __future__ import annotations

import logging
from functools import partial
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
