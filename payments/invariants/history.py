"""Questions to histories that payments and transfers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery


def allowed(moves: Mapping[Any, Iterable[str]], *, first: Iterable[str]) -> Q:
    """The moves of a table, and the states that a history may begin with."""
    found = Q(from_state="", to_state__in=list(first))
    for state, targets in moves.items():
        found |= Q(from_state=state, to_state__in=list(targets))
    return found


def came_after(events: QuerySet[Any, Any], finals: Iterable[str], subject: str) -> Exists:
    """Whether an event comes after one of the given states."""
    earlier = events.filter(
        **{subject: OuterRef(subject)}, pk__lt=OuterRef("pk"), to_state__in=list(finals)
    )
    return Exists(earlier)


def ends_otherwise(
    rows: QuerySet[Any, Any], events: QuerySet[Any, Any], subject: str, *columns: str
) -> QuerySet[Any, Any]:
    """Columns, `state` and `told` of rows whose last event is not their state, or is missing."""
    last = events.filter(**{subject: OuterRef("pk")}).order_by("-pk").values("to_state")[:1]
    found = rows.annotate(told=Subquery(last))
    otherwise: QuerySet[Any, Any] = found.filter(Q(told__isnull=True) | ~Q(told=F("state")))
    return otherwise.order_by("pk").values("state", "told", *columns)
