"""Keeps the sums equal to the rows: by what changed since the last run, or everything anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from django.db.models import Exists, Max, Min, OuterRef, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from backoffice.rollups.days import recompute_measures
from backoffice.rollups.sales import HOUR, recompute
from backoffice.rollups.tables import RollupMark
from bundles.models import Activation
from common.clock import business_day, day_bounds
from common.transactions import retried
from payments.models import Payment
from vpn.models import Connection

SETTLED = timedelta(minutes=5)  # no transaction lasts as long, no two clocks differ by as much
AT_FIRST = timedelta(days=2)  # what a first run looks at; `rebuild_rollups` does the rest
SUBJECTS_AT_ONCE = 500


def roll_up() -> int:
    """Count each hour anew whose payments have changed since the last run; returns how many.

    Safe to repeat and to run twice at once. A run that dies leaves its work to the next.
    """
    now = timezone.now()
    newest = Connection.objects.aggregate(newest=Max("pk"))["newest"] or 0
    hours = _changed_since(RollupMark.current(), now)
    recompute(hours)
    _advance(now, newest)
    return len(hours)


def roll_up_days(*, days: int) -> None:
    """Measure the last so many business days again, today among them."""
    today = business_day(timezone.now())
    for ago in range(days):
        recompute_measures(today - timedelta(days=ago))


def rebuild(*, since: date | None = None, until: date | None = None) -> int:
    """Count business days anew, all that there are unless told otherwise; returns how many."""
    today = business_day(timezone.now())
    first = since or _first_day() or today
    days = list(_days(first, until or today))
    for day in days:
        recompute(_hours_of(day))
        recompute_measures(day)
    return len(days)


def _first_day() -> date | None:
    first = Payment.objects.aggregate(first=Min("created_at"))["first"]
    return business_day(first) if first else None


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _hours_of(day: date) -> Iterator[datetime]:
    hour, end = day_bounds(day)
    while hour < end:
        yield hour
        hour += HOUR


def _changed_since(mark: RollupMark, now: datetime) -> set[datetime]:
    """The hours whose sums may be other than they were, by the starts of the hours."""
    if mark.at is None:
        return _hours(Payment.objects.filter(created_at__gte=now - AT_FIRST))
    changed = _hours(Payment.objects.filter(updated_at__gte=mark.at))
    changed |= _hours(Payment.objects.filter(transfers__updated_at__gte=mark.at))
    connected = _newly_connected(mark.connection)
    while subjects := list(islice(connected, SUBJECTS_AT_ONCE)):
        changed |= _hours(Payment.objects.filter(subject__in=subjects))
    return changed


def _newly_connected(after: int) -> Iterator[str]:
    """The subjects of payments for whose devices a first connection was noted."""
    earlier = Connection.objects.filter(peer=OuterRef("peer"), pk__lt=OuterRef("pk"))
    first = Connection.objects.filter(~Exists(earlier), pk__gt=after)
    activations = Activation.objects.filter(
        subscription__in=first.order_by().values("peer__subscription")
    ).select_related("purchase")
    for activation in activations.only("purchase__id").iterator():
        yield activation.purchase.subject


def _hours(payments: QuerySet[Payment]) -> set[datetime]:
    hours = payments.order_by().annotate(hour=TruncHour("created_at", tzinfo=UTC))
    return set(hours.values_list("hour", flat=True).distinct())


@retried
def _advance(now: datetime, newest: int) -> None:
    RollupMark.locked().advance(now=now, connection=newest, settled=now - SETTLED)
