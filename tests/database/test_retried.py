"""A conflict is retried whole; anything else is not."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from cases.models import Case
from common.transactions import ATTEMPTS, is_conflict, retried

pytestmark = pytest.mark.django_db(transaction=True)

DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock")


def test_a_deadlock_is_retried_from_the_start() -> None:
    tries: list[int] = []

    @retried
    def work() -> int:
        Case.objects.create(kind="paid_twice", subject=f"try:{len(tries)}")
        tries.append(1)
        if len(tries) < 3:
            raise DEADLOCK
        return len(tries)

    assert work() == 3
    assert [case.subject for case in Case.objects.all()] == ["try:2"]


def test_it_gives_up_in_the_end() -> None:
    tries: list[int] = []

    @retried
    def work() -> None:
        tries.append(1)
        raise DEADLOCK

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == ATTEMPTS


@pytest.mark.parametrize("error", [IntegrityError(1062, "Duplicate"), ValueError("ours")])
def test_other_failures_are_not_repeated(error: Exception) -> None:
    tries: list[int] = []

    @retried
    def work() -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        work()
    assert len(tries) == 1


def test_it_refuses_to_run_where_it_could_not_start_again() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        retried(lambda: None)()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError(1213, ""), True),
        (OperationalError(1205, ""), True),
        (OperationalError(1020, ""), True),
        (OperationalError(1047, ""), True),
        (DatabaseError(3572, ""), True),
        (OperationalError("database is locked"), True),
        (OperationalError(2013, "Lost connection"), False),
        (OperationalError(2006, "Server has gone away"), False),
    ],
)
def test_a_lost_connection_is_no_conflict(error: DatabaseError, expected: bool) -> None:
    assert is_conflict(error) is expected
