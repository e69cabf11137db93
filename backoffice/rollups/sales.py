"""The sums of an hour's payments and of a day's hours: each replaced whole, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Substr

from backoffice.rollups.adding_up import added_up, owners_added_up
from backoffice.rollups.tables import (
    COUNTS,
    OF_PAYMENTS,
    SUMMED,
    SUMS,
    Measure,
    RollupMark,
    Sales,
    Span,
    Tally,
)
from bundles.models import Activation, Purchase
from common.clock import business_day, day_bounds
from common.transactions import retried
from payments.models import Disposition, MobileMoneyTransaction, Payment, PaymentEvent, Transfer
from payments.states import State, TransferState
from vpn.models import Peer

HOUR = timedelta(hours=1)
# Seconds; a percentile is told as the edge that it lies below.
EDGES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 86_400)
OVER = "over"  # the label of what took longer than the last edge
PURCHASE = "purchase:"  # how bundles names a payment's subject

Rows = QuerySet[Any, Any]


def recompute(hours: Iterable[datetime]) -> None:
    """Replace the sums of these hours (their UTC starts) and of the days that they are in."""
    for day, of_day in groupby(sorted(set(hours)), business_day):
        for hour in of_day:
            recompute_hour(hour)
        recompute_day(day)


@retried
def recompute_hour(hour: datetime) -> None:
    """Count the hour's payments as they are now."""
    RollupMark.locked()
    own = {"span": Span.HOUR, "begins_at": hour, "day": business_day(hour)}
    Sales.objects.filter(span=Span.HOUR, begins_at=hour).delete()
    Tally.objects.filter(span=Span.HOUR, begins_at=hour).delete()
    payments = _payments_of(hour)
    local_hour = hour.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).hour
    Sales.objects.bulk_create(Sales(**own, hour=local_hour, **row) for row in _sums(payments))
    Tally.objects.bulk_create(Tally(**own, **row) for row in _tallies(payments))


@retried
def recompute_day(day: date) -> None:
    """Add its hours up."""
    RollupMark.locked()
    Sales.objects.filter(span__in=SUMMED, day=day).delete()
    Tally.objects.filter(span__in=SUMMED, day=day, measure__in=OF_PAYMENTS).delete()
    whole: dict[str, Any] = {"day": day, "begins_at": day_bounds(day)[0]}
    sales = Sales.objects.filter(span=Span.HOUR, day=day)
    names, by_hour = (*COUNTS, *SUMS), ("begins_at", "hour", "provider")
    Sales.objects.bulk_create(
        [
            *(
                Sales(span=Span.DAY, hour=0, **whole, **row)
                for row in added_up(sales, names, by=("provider", "bundle"))
            ),
            *(
                Sales(span=Span.OWN, day=day, **row)
                for row in owners_added_up(sales, names, by=by_hour)
            ),
            *(
                Sales(span=Span.ALL, day=day, bundle=0, **row)
                for row in added_up(sales, names, by=by_hour)
            ),
        ]
    )
    tallies = Tally.objects.filter(span=Span.HOUR, day=day, measure__in=OF_PAYMENTS)
    kinds = ("measure", "label", "provider")
    Tally.objects.bulk_create(
        [
            *(
                Tally(span=Span.DAY, **whole, **row)
                for row in added_up(tallies, ("count",), by=(*kinds, "bundle"))
            ),
            *(
                Tally(span=Span.OWN, **whole, **row)
                for row in owners_added_up(tallies, ("count",), by=kinds)
            ),
            *(
                Tally(span=Span.ALL, **whole, **row)
                for row in added_up(tallies, ("count",), by=kinds)
            ),
        ]
    )


def _payments_of(hour: datetime) -> Rows:
    """The payments that began in the hour, each with what other tables know of it."""
    purchase = Case(
        When(
            subject__startswith=PURCHASE,
            then=Cast(Substr("subject", len(PURCHASE) + 1), BigIntegerField()),
        )
    )
    own_purchase = OuterRef("purchase_id")
    attempts = MobileMoneyTransaction.objects.filter(payment=OuterRef("pk")).order_by()
    refunds = Transfer.objects.filter(
        payment=OuterRef("pk"), kind=Transfer.Kind.REFUND, state=TransferState.SUCCEEDED
    ).order_by()
    came_late = PaymentEvent.objects.filter(
        payment=OuterRef("pk"), from_state=State.EXPIRED, to_state=State.COMPLETED
    )
    earlier = Activation.objects.filter(
        subscription=OuterRef("subscription"), pk__lt=OuterRef("pk")
    )
    first = Activation.objects.filter(~Exists(earlier), purchase=own_purchase)
    connected = Peer.objects.filter(
        subscription__activations__purchase=own_purchase, handshake_at__isnull=False
    )
    payments = Payment.objects.filter(created_at__gte=hour, created_at__lt=hour + HOUR).order_by()
    return payments.annotate(purchase_id=purchase).annotate(
        provider=F("payment_method"),
        bundle=Coalesce(
            Subquery(Purchase.objects.filter(pk=own_purchase).values("bundle")),
            0,
            output_field=BigIntegerField(),
        ),
        prompted_at=Subquery(
            attempts.values("payment").annotate(first=Min("posted_at")).values("first")
        ),
        sent_back=Subquery(refunds.values("payment").annotate(total=Sum("amount")).values("total")),
        came_late=Exists(came_late),
        is_first=Exists(first),
        is_connected=Exists(connected),
    )


def _sums(payments: Rows) -> Rows:
    """One row for each provider and bundle."""
    is_active = Q(fulfilled_at__isnull=False)
    covered = Coalesce(F("paid_amount"), 0) + F("from_credit")
    became_credit = Case(
        When(disposition=Disposition.CREDITED, then=covered),
        When(disposition=Disposition.FULFILLED, then=covered - F("amount")),
        default=Value(0),
        output_field=BigIntegerField(),
    )
    sums: Rows = payments.values("provider", "bundle").annotate(
        begun=Count("pk"),
        prompted=Count("pk", filter=Q(prompted_at__isnull=False)),
        completed=Count("pk", filter=Q(state=State.COMPLETED)),
        failed=Count("pk", filter=Q(state=State.FAILED)),
        expired=Count("pk", filter=Q(state=State.EXPIRED)),
        late=Count("pk", filter=Q(state=State.COMPLETED, came_late=True)),
        activated=Count("pk", filter=is_active),
        connected=Count("pk", filter=is_active & Q(is_connected=True)),
        subscriptions=Count("pk", filter=is_active & Q(is_first=True)),
        asked=Sum(F("amount") - F("from_credit")),
        paid=Sum("paid_amount", filter=Q(state=State.COMPLETED), default=0),
        credited=Sum(became_credit),
        refunded=Sum("sent_back", default=0),
        reversed=Sum("paid_amount", filter=Q(reversed_at__isnull=False), default=0),
    )
    return sums


def _tallies(payments: Rows) -> Iterator[dict[str, Any]]:
    was_prompted = Q(state=State.COMPLETED, paid_at__isnull=False, prompted_at__isnull=False)
    counted = (
        (Measure.FAILED, payments.filter(state=State.FAILED), F("reason")),
        (Measure.TO_PAID, payments.filter(was_prompted), _edge("prompted_at", "paid_at")),
        (
            Measure.TO_ACTIVE,
            payments.filter(paid_at__isnull=False, fulfilled_at__isnull=False),
            _edge("paid_at", "fulfilled_at"),
        ),
    )
    for measure, rows, label in counted:
        grouped = rows.annotate(label=label).values("provider", "bundle", "label")
        for row in grouped.annotate(count=Count("pk")):
            yield {"measure": measure, **row}


def _edge(since: str, until: str) -> Case:
    """The first edge that the time between two columns does not exceed."""
    within = [
        When(
            Q((f"{until}__lte", F(since) + timedelta(seconds=edge))),
            then=Value(str(edge)),
        )
        for edge in EDGES
    ]
    return Case(*within, default=Value(OVER), output_field=CharField())
