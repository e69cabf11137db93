"""Sums of what passed, for staff's pages: one query each, bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F, Q, QuerySet, Sum

from vpn.models import Usage

UP = F("up_to") - F("up_from")
DOWN = F("down_to") - F("down_from")


@dataclass(frozen=True, slots=True)
class Day:
    """A business day's bytes from and to customers."""

    day: date
    up: int = 0
    down: int = 0

    @property
    def both(self) -> int:
        return self.up + self.down


@dataclass(frozen=True, slots=True)
class Traffic:
    """A device's bytes, both ways."""

    today: int = 0
    ever: int = 0


def by_day(rows: QuerySet[Usage], *, until: date, days: int) -> list[Day]:
    """The last so many days, those without traffic too, the oldest first."""
    since = until - timedelta(days=days - 1)
    sums = rows.filter(day__range=(since, until)).order_by("day").values("day")
    found = {
        row["day"]: Day(row["day"], row["up"], row["down"])
        for row in sums.annotate(up=Sum(UP), down=Sum(DOWN))
    }
    every_day = [since + timedelta(days=number) for number in range(days)]
    return [found.get(day, Day(day)) for day in every_day]


def of_peers(peers: Collection[int], *, today: date) -> dict[int, Traffic]:
    """By peer; one that never had any is not in it."""
    sums = Usage.objects.filter(peer__in=peers).order_by("peer").values("peer")
    rows = sums.annotate(ever=Sum(UP + DOWN), today=Sum(UP + DOWN, filter=Q(day=today), default=0))
    return {row["peer"]: Traffic(row["today"], row["ever"]) for row in rows}
