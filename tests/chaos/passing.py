"""Time that passes for what waits: every row with a next step is moved into the past.

A run cannot wait seven days, nor even ten minutes for a prompt to expire. Nothing in the services
remembers a time but in these columns, so moving all of a row's times by the same amount is, for that
row, the same as waiting; a claim that is under way ends that much earlier, as on a machine that slept.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from django.db import OperationalError
from django.db.models import F, Model, QuerySet
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


def waits(system: System) -> bool:
    """Whether any row has a next step."""
    return any(_waiting(system, model, step).exists() for model, step, _ in WAITING)


def is_anything_due(system: System) -> bool:
    now = timezone.now()
    return any(
        _waiting(system, model, step).filter(**{f"{step}__lte": now}).exists()
        for model, step, _ in WAITING
    )


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
