"""The same thing, by many at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")

PATIENCE_SECONDS = 60


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """Make all calls from as many threads, none before all are ready; each one's result or error.

    Every thread has a database connection of its own, open before the start and closed at the end.
    """
    ready = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | Exception:
        try:
            connection.ensure_connection()
            ready.wait(PATIENCE_SECONDS)
            return call()
        except Exception as error:  # noqa: BLE001 - an error is one of the results
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(run, calls))


def errors_in(results: Sequence[object]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]
