"""Write transactions that are retried whole when the database asks for it."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection, transaction

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

ATTEMPTS = 6
FIRST_WAIT_SECONDS = 0.02
# Deadlock, lock time-out, lock not available, record changed since read, node not ready (Galera).
RETRIED_CODES = frozenset({1213, 1205, 3572, 1020, 1047})
SQLITE_TIMEOUT_SECONDS = 5  # the driver's own
SQLITE_BUSY = ("database is locked", "database table is locked")


def retried(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run the function in a transaction of its own, and again from its start on a conflict.

    Conflicts are deadlocks, lock time-outs and Galera certification failures; the database has rolled
    everything back, so nothing is done twice. A lost connection is not one of them: the commit may
    have happened, and the caller has to read again by its own key. Raises RuntimeError when called
    inside an open transaction, where a retry could not start from the beginning.
    """

    @functools.wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if connection.in_atomic_block:
            raise RuntimeError(f"{function.__qualname__} must not run inside a transaction")
        for attempt in range(1, ATTEMPTS):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except DatabaseError as error:
                if not is_conflict(error):
                    raise
                logger.warning("%s is retried: %s", function.__qualname__, error)
                time.sleep(FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        with transaction.atomic():
            return function(*args, **kwargs)

    return run


@contextmanager
def brief_waits(seconds: int) -> Iterator[None]:
    """Let this connection wait no longer than that for a lock: somebody is waiting for us."""
    if connection.vendor == "mysql":
        briefly = f"SET SESSION innodb_lock_wait_timeout = {seconds:d}"
        as_usual = "SET SESSION innodb_lock_wait_timeout = DEFAULT"
    else:
        briefly = f"PRAGMA busy_timeout = {seconds * 1000:d}"
        usual = connection.settings_dict["OPTIONS"].get("timeout", SQLITE_TIMEOUT_SECONDS)
        as_usual = f"PRAGMA busy_timeout = {usual * 1000:d}"
    with connection.cursor() as cursor:
        cursor.execute(briefly)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(as_usual)


def is_conflict(error: DatabaseError) -> bool:
    """Whether the database rolled the transaction back and asks for another try."""
    code = error.args[0] if error.args else None
    return code in RETRIED_CODES or any(text in str(error) for text in SQLITE_BUSY)
