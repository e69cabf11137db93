"""Which case comes first: money at stake x age x customer waiting.

rank = (amount + 1,000 TZS) x weight of the age class x (10 if the customer waits, else 1)

The thousand lets a case without money rise with its age; each age class weighs twice the one before.
The database computes it, so that it orders and pages the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    ExpressionWrapper,
    F,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models import Case as SqlCase

from cases.models import Case, CaseKind

FLOOR_TZS = 1000
WAITING_WEIGHT = 10

# Whoever has paid has nothing for it.
KINDS_THAT_HURT = frozenset(
    {
        CaseKind.FULFILMENT_FAILED,
        CaseKind.PAID_NOT_ACTIVATED,
        CaseKind.STATUS_CONFLICT,
        CaseKind.PAID_NO_ORDER,
        CaseKind.LATE_SUCCESS,
        CaseKind.UNPLACED_MONEY,
    }
)


@dataclass(frozen=True, slots=True)
class AgeClass:
    """How long a case is open: from `start`, until the next class's. `tone` is its label's colour."""

    code: str
    name: str
    start: timedelta
    weight: int
    tone: str


NOTHING = timedelta(0)

# The youngest first (features.md 4.1).
AGE_CLASSES = (
    AgeClass("15m", "0-15 min", NOTHING, 1, "success"),
    AgeClass("1h", "15-60 min", timedelta(minutes=15), 2, "success"),
    AgeClass("4h", "1-4 h", timedelta(hours=1), 4, "info"),
    AgeClass("24h", "4-24 h", timedelta(hours=4), 8, "info"),
    AgeClass("3d", "1-3 d", timedelta(days=1), 16, "warning"),
    AgeClass("7d", "3-7 d", timedelta(days=3), 32, "danger"),
    AgeClass("older", "> 7 d", timedelta(days=7), 64, "danger"),
)
OLDEST_FIRST = tuple(reversed(AGE_CLASSES))
RED_FROM = timedelta(minutes=15)  # where a customer is hurt


def age_class(case: Case, now: datetime) -> AgeClass:
    age = max(now - case.opened_at, NOTHING)
    return next(each for each in OLDEST_FIRST if age >= each.start)


def tone(case: Case, now: datetime) -> str:
    """The colour of a case's age; red from 15 minutes on where a customer is hurt."""
    its_class = age_class(case, now)
    hurts = case.customer_waits or case.kind in KINDS_THAT_HURT
    return "danger" if hurts and its_class.start >= RED_FROM else its_class.tone


def opened_in(code: str, now: datetime) -> Q:
    """The cases of one age class; every case for a code that is none."""
    for place, each in enumerate(AGE_CLASSES):
        if each.code == code:
            younger = Q() if each.start == NOTHING else Q(opened_at__lte=now - each.start)
            is_last = place + 1 == len(AGE_CLASSES)
            end = None if is_last else AGE_CLASSES[place + 1].start
            return younger if end is None else younger & Q(opened_at__gt=now - end)
    return Q()


def ranked(cases: QuerySet[Case], now: datetime) -> QuerySet[Any]:
    """The cases with their `rank`, the highest first; of equals the oldest."""
    age = SqlCase(
        *(When(opened_at__lte=now - each.start, then=each.weight) for each in OLDEST_FIRST),
        default=AGE_CLASSES[0].weight,
        output_field=IntegerField(),
    )
    waiting = SqlCase(
        When(customer_waits=True, then=WAITING_WEIGHT), default=1, output_field=IntegerField()
    )
    rank = (F("amount") + Value(FLOOR_TZS)) * age * waiting
    with_rank = cases.annotate(rank=ExpressionWrapper(rank, BigIntegerField()))
    return with_rank.order_by("-rank", "pk")
