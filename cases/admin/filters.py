"""Which part of the queue is shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cases.models import Case
from cases.ranking import AGE_CLASSES, opened_in
from cases.selectors import awake_at, free_at

OPEN = Case.State.OPEN


class QueueFilter(admin.SimpleListFilter):
    """Without a choice: what is to do now."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("mine", "Mine"),
            ("unclaimed", "Unclaimed"),
            ("snoozed", "Snoozed"),
            ("proposed", "Waits for a second person"),
            ("open", "All open"),
            ("resolved", "Resolved"),
        ]

    def choices(self, changelist: Any) -> Any:
        everything, *others = super().choices(changelist)
        yield {**everything, "display": "To do"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        now, chosen = timezone.now(), self.value()
        if chosen == "resolved":
            return queryset.filter(state=Case.State.RESOLVED)
        still_open = queryset.filter(state=OPEN)
        to_do = still_open.filter(awake_at(now), proposal="")
        if chosen == "mine":
            return still_open.filter(owner_id=request.user.pk).exclude(claimed_until__lte=now)
        if chosen == "unclaimed":
            return to_do.filter(free_at(now))
        if chosen == "snoozed":
            return still_open.filter(snoozed_until__gt=now)
        if chosen == "proposed":
            return still_open.exclude(proposal="")
        return still_open if chosen == "open" else to_do


class AgeFilter(admin.SimpleListFilter):
    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each.code, each.name) for each in AGE_CLASSES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        return queryset.filter(opened_in(self.value() or "", timezone.now()))
