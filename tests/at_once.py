"""The same thing, by many at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Generic, TypeVar

from django.db import connection

Result = TypeVar("Result")

PATIENCE_SECONDS = 60


@dataclass
class Ended(Generic[Result]):
    """What the calls returned, and what they raised, in no order."""

    results: list[Result] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


def at_once(calls: Sequence[Callable[[], Result]]) -> Ended[Result]:
    """Make all calls from as many threads, none before all are ready.

    Every thread has a database connection of its own, open before the start and closed at the end.
    """
    ready, ended = Barrier(len(calls)), Ended[Result]()

    def run(call: Callable[[], Result]) -> None:
        try:
            connection.ensure_connection()
            ready.wait(PATIENCE_SECONDS)
            ended.results.append(call())
        except Exception as error:  # noqa: BLE001 - an error is one of the outcomes
            ended.errors.append(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        list(threads.map(run, calls))
    return ended
