"""Where one of our processes dies, or loses its database: at any commit, before or after it.

A commit is a transaction's COMMIT, or a write that stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import OperationalError, connection

WRITES = ("INSERT", "UPDATE", "DELETE")
LOST_CONNECTION = (2013, "Lost connection to server during query")
DEADLOCK = (1213, "Deadlock found when trying to get lock; try restarting transaction")


class ProcessDied(BaseException):
    """No handler runs any more: what is not committed is gone."""


class Injected(OperationalError):
    """What the database said, because a fault was armed."""


class FaultKind(StrEnum):
    DIES_BEFORE = "dies before the commit"
    DIES_AFTER = "dies after the commit"
    LOST_BEFORE = "loses the database before the commit"
    LOST_AFTER = "loses the database after the commit"
    DEADLOCK = "is chosen as the deadlock's victim"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a process's n-th commit, counted from 1."""

    kind: FaultKind
    commit: int


AFTER = (FaultKind.DIES_AFTER, FaultKind.LOST_AFTER)


class Faults:
    """Stands between our code and the database's commits; one instance while installed."""

    def __init__(self) -> None:
        self._armed: Fault | None = None
        self._left = 0
        self.writes = 0

    @contextmanager
    def installed(self) -> Iterator[Faults]:
        commit = connection.commit
        connection.commit = lambda: self._pass(commit, connection.rollback)  # type: ignore[method-assign]
        try:
            with connection.execute_wrapper(self._around_statement):
                yield self
        finally:
            connection.commit = commit  # type: ignore[method-assign]

    @contextmanager
    def armed(self, fault: Fault | None) -> Iterator[None]:
        """For the length of one process's work; what runs within another's brings its own."""
        outer = self._armed, self._left
        self._armed, self._left = fault, fault.commit if fault else 0
        try:
            yield
        finally:
            self._armed, self._left = outer

    def _around_statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        is_write = sql.startswith(WRITES)
        self.writes += is_write
        if connection.in_atomic_block or not is_write:
            return execute(sql, params, many, context)
        return self._pass(lambda: execute(sql, params, many, context), lambda: None)

    def _pass(self, commit: Callable[[], Any], undo: Callable[[], None]) -> Any:
        """One commit, or what the armed fault makes of it."""
        fault = self._armed
        self._left -= 1
        if fault is None or self._left != 0:
            return commit()
        self._armed = None
        if fault.kind in AFTER:
            commit()
            connection.run_on_commit = []
        else:
            undo()
        if fault.kind in (FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER):
            raise ProcessDied(str(fault))
        raise Injected(*(DEADLOCK if fault.kind == FaultKind.DEADLOCK else LOST_CONNECTION))
