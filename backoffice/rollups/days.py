"""What a business day is told by besides its payments: traffic, subscriptions, shares, credit, cases, lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case as SqlCase
from django.db.models import CharField, Count, F, Q, Sum, Value, When
from django.utils import timezone

from backoffice.rollups.adding_up import added_up, owners_added_up
from backoffice.rollups.owners import recompute_owners, shares
from backoffice.rollups.tables import BY_BUNDLE, OF_DAYS, SUMMED, Measure, RollupMark, Span, Tally
from bundles.models import Activation, Subscription
from cases.models import Case
from common.clock import day_bounds
from common.transactions import retried
from payments.models import Entry, StatementLine
from vpn.models import Usage
from vpn.traffic import DOWN, UP

AGES = (("under a day", 1), ("1 to 3 days", 3), ("3 to 7 days", 7), ("7 to 30 days", 30))  # days
OLDEST = "over 30 days"
BETWEEN = "/"  # a case's kind and its age in a label

Rows = Iterator[dict[str, Any]]


@retried
def recompute_measures(day: date) -> None:
    """Measure a day again, up to now if it is today."""
    RollupMark.locked()
    begins, ends = day_bounds(day)
    whole: dict[str, Any] = {"day": day, "begins_at": begins}
    Tally.objects.filter(span__in=SUMMED, day=day, measure__in=OF_DAYS).delete()
    Tally.objects.bulk_create(
        Tally(span=Span.DAY, **whole, **row)
        for row in _measured(day, begins, min(ends, timezone.now()))
    )
    of_bundles = Tally.objects.filter(span=Span.DAY, day=day, measure__in=BY_BUNDLE)
    sums = ("count", "amount")
    Tally.objects.bulk_create(
        [
            *(
                Tally(span=Span.OWN, **whole, **row)
                for row in owners_added_up(of_bundles, sums, by=("measure",))
            ),
            *(
                Tally(span=Span.ALL, **whole, **row)
                for row in added_up(of_bundles, sums, by=("measure",))
            ),
        ]
    )
    recompute_owners(day, begins, ends)


def _measured(day: date, begins: datetime, ends: datetime) -> Rows:
    yield from _used(day)
    yield from _sold(begins, ends)
    yield from _active(begins, ends)
    yield from shares(begins, ends)
    yield from _credit(ends)
    yield from _cases(ends)
    yield from _lines(begins, ends)


def _used(day: date) -> Rows:
    rows = Usage.objects.filter(day=day).order_by().values(bundle=F("subscription__bundle"))
    for row in rows.annotate(amount=Sum(UP + DOWN)):
        yield {"measure": Measure.USED, **row}


def _sold(begins: datetime, ends: datetime) -> Rows:
    """The allowances of what was activated and not taken back."""
    sold = Activation.objects.filter(created_at__gte=begins, created_at__lt=ends, withdrawn_at=None)
    rows = sold.order_by().values(bundle=F("purchase__bundle"))
    for row in rows.annotate(count=Count("pk"), amount=Sum("data_bytes")):
        yield {"measure": Measure.SOLD, **row}


def _active(begins: datetime, ends: datetime) -> Rows:
    """Subscriptions that could be used at some time of the day; found by the index of their ends."""
    lived = Subscription.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=begins), ends_at__gte=begins, created_at__lt=ends
    )
    rows = lived.order_by().values(own_bundle=F("bundle"))
    for row in rows.annotate(count=Count("pk")):
        yield {"measure": Measure.ACTIVE, "bundle": row["own_bundle"], "count": row["count"]}


def _credit(ends: datetime) -> Rows:
    """What lies on customers' accounts at the end of the day, as the ledger has it."""
    entries = Entry.objects.filter(account__startswith="credit:", posting__posted_at__lt=ends)
    total = entries.aggregate(total=Sum("amount"))["total"] or 0
    yield {"measure": Measure.CREDIT, "amount": -total}


def _cases(ends: datetime) -> Rows:
    """Open at the end of the day; the amounts are as they are now."""
    open_then = Case.objects.filter(
        Q(resolved_at=None) | Q(resolved_at__gte=ends), opened_at__lt=ends
    )
    age = SqlCase(
        *(When(opened_at__gt=ends - timedelta(days=days), then=Value(name)) for name, days in AGES),
        default=Value(OLDEST),
        output_field=CharField(),
    )
    rows = open_then.order_by().annotate(age=age).values("kind", "age")
    for row in rows.annotate(count=Count("pk"), total=Sum("amount")):
        yield {
            "measure": Measure.CASES,
            "label": f"{row['kind']}{BETWEEN}{row['age']}",
            "count": row["count"],
            "amount": row["total"],
        }


def _lines(begins: datetime, ends: datetime) -> Rows:
    lines = StatementLine.objects.filter(completed_at__gte=begins, completed_at__lt=ends)
    rows = lines.order_by().values("provider", label=F("bucket"))
    for row in rows.annotate(count=Count("pk"), total=Sum("amount")):
        yield {"measure": Measure.LINES, "amount": abs(row.pop("total")), **row}
