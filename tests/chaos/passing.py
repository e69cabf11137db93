"""Time that passes for what waits: every row with a next step is moved into the past.

A run cannot wait seven days, nor even ten minutes for a prompt to expire. Nothing in the services
remembers a time but in these columns, so moving all of a row's times by the same amount is, for that
row, the same as waiting; a claim that is under way ends that much earlier, as on a machine that slept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event

from django.db import OperationalError
from django.db.models import F, Min, Model, QuerySet
from django.utils import timezone

from bundles.models import Seat
from notifications.models import Message
from payments.models import (
    IdempotentRequest,
    MobileMoneyTransaction,
    Payment,
    Transfer,
    WebhookDelivery,
)
from tests.system import System

TRIES, PAUSE_SECONDS = 20, 0.1
# model, the column of its next step, its other times
WAITING: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (
        MobileMoneyTransaction,
        "next_check_at",
        ("created_at", "expires_at", "posted_at", "checked_at", "not_found_since"),
    ),
    (Payment, "follow_up_at", ("created_at", "paid_at")),
    (Transfer, "next_check_at", ("created_at", "posted_at")),
    (WebhookDelivery, "next_try_at", ("received_at",)),
    (Message, "next_attempt_at", ("created_at",)),
)
HELD: tuple[tuple[type[Model], str], ...] = (
    (Seat, "held_until"),
    (IdempotentRequest, "started_at"),
)


def pass_time(system: System, by: timedelta) -> None:
    """Let that much time pass for everything that waits."""
    for model, step, others in WAITING:
        _move(_waiting(system, model, step), (step, *others), by)
    for model, column in HELD:
        _move(_waiting(system, model, column), (column,), by)


def next_steps(system: System) -> Iterator[tuple[type[Model], datetime]]:
    """For each kind of row, when the first of them that waits is due."""
    for model, step, _ in WAITING:
        first = _waiting(system, model, step).aggregate(first=Min(step))["first"]
        if first is not None:
            yield model, first


def is_anything_due(system: System) -> bool:
    now = timezone.now()
    return any(first <= now for _, first in next_steps(system))


def last_step_before(system: System, end: datetime) -> datetime:
    """When the last row is due of those that are due by then."""
    steps: list[datetime] = [
        due
        for model, step, _ in WAITING
        for due in _waiting(system, model, step)
        .filter(**{f"{step}__lte": end})
        .values_list(step, flat=True)
    ]
    return max(steps)


def _waiting(system: System, model: type[Model], step: str) -> QuerySet[Model]:
    return system.rows(model).filter(**{f"{step}__isnull": False})


def _move(rows: QuerySet[Model], columns: tuple[str, ...], by: timedelta) -> None:
    """Row by row, as the system works on them meanwhile: nobody waits for more than one of ours."""
    for key in rows.values_list("pk", flat=True):
        _move_one(rows.filter(pk=key), columns, by)


def _move_one(row: QuerySet[Model], columns: tuple[str, ...], by: timedelta) -> None:
    pause = Event()
    for _ in range(TRIES):
        try:
            row.update(**{column: F(column) - by for column in columns})
        except OperationalError:
            pause.wait(PAUSE_SECONDS)
        else:
            return
    row.update(**{column: F(column) - by for column in columns})
