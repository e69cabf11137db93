"""What must always hold in the database: each app lists its own, `manage.py check_money` proves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat


@dataclass(frozen=True, slots=True)
class Offender:
    """What breaks an invariant: named as cases name their subjects, with TZS at stake if known."""

    subject: str
    trouble: str
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Invariant:
    """`find` yields what breaks it: one query over whole tables, never a loop over their rows.

    The ids are stable: cases and runbooks name them.
    """

    id: str
    name: str
    find: Callable[[], Iterable[Offender]]


def offenders(
    rows: QuerySet[Any, Any], *, subject: str, trouble: str, amount: str = ""
) -> Iterator[Offender]:
    """One for each row of `values`; `subject` and `trouble` are formats of its columns, `amount` names one."""
    for row in rows.iterator():
        at_stake = abs(row[amount] or 0) if amount else 0
        yield Offender(subject.format(**row), trouble.format(**row), at_stake)


def named(prefix: str, column: str | Combinable, suffix: str = "") -> Concat:
    """A row's name as other tables hold it, such as `payment:<public id>`."""
    return Concat(Value(prefix), Cast(column, CharField()), Value(suffix), output_field=CharField())
