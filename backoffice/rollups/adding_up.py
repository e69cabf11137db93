"""Sums of sums: over the bundles of each owner, and over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from bundles.models import Bundle


def added_up(
    rows: QuerySet[Any, Any], names: Sequence[str], *, by: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The sums of some columns, one row for each value of the others."""
    totals = {f"total_{name}": Sum(name) for name in names}
    for row in rows.order_by().values(*by).annotate(**totals):
        yield {name.removeprefix("total_"): value for name, value in row.items()}


def owners_added_up(
    rows: QuerySet[Any, Any], names: Sequence[str], *, by: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The same for each owner, whose primary key is in the place of their bundles'."""
    owner = Subquery(Bundle.objects.filter(pk=OuterRef("bundle")).values("owner"))
    owned = rows.annotate(whose=owner).exclude(whose=None)
    for row in added_up(owned, names, by=(*by, "whose")):
        yield {"bundle": row.pop("whose"), **row}
