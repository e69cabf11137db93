"""The third leg, service against money: paid and nothing active, active or used and not paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from bundles.models import Activation, Gift, Subscription
from cases.models import Case, CaseKind
from cases.services import open_cases, resolve_cases
from common.clock import in_business_time
from common.invariants import named
from payments.models import Disposition, Payment
from payments.states import State

ACTIVE_WITHIN = timedelta(minutes=15)
PAYMENT, PURCHASE, SUBSCRIPTION = "payment:", "purchase:", "subscription:"
ANSWERED = "money and service agree again"
LOOK_BACK = timedelta(days=7)  # longer than beat and workers, or a gateway's report, may be away


def check_service_leg() -> int:
    """A case for each of the three that there is, until it is no more; returns how many are open.

    Looked at is what has changed of late, and what has a case, so that a run costs the same however
    many were sold before; `check_money` looks at all of them once a day (I-02).
    """
    since = timezone.now() - LOOK_BACK
    lost = _lost_since(since)
    activated, used = activated_not_paid(), used_not_paid()
    _check(CaseKind.PAID_NOT_ACTIVATED, PAYMENT, "public_id", paid_not_activated())
    _check(
        CaseKind.ACTIVATED_NOT_PAID,
        PURCHASE,
        "purchase_id",
        activated,
        changed=(activated.filter(created_at__gte=since), activated.filter(purchase_id__in=lost)),
    )
    of_lost = Activation.objects.filter(purchase_id__in=lost).values("subscription")
    _check(
        CaseKind.USED_NOT_PAID,
        SUBSCRIPTION,
        "pk",
        used,
        changed=(used.filter(ends_at__gte=since), used.filter(pk__in=of_lost)),
    )
    kinds = (
        CaseKind.PAID_NOT_ACTIVATED,
        CaseKind.ACTIVATED_NOT_PAID,
        CaseKind.USED_NOT_PAID,
    )
    return Case.objects.filter(kind__in=kinds, state=Case.State.OPEN).count()


def _check(
    kind: CaseKind,
    prefix: str,
    column: str,
    rows: QuerySet[Any],
    changed: Sequence[QuerySet[Any]] = (),
) -> None:
    """Cases of `rows`: closed where they are answered, opened of those that have changed."""
    _resolve(kind, prefix, column, rows)
    about = Case.objects.filter(kind=kind, subject=named(prefix, OuterRef(column)))
    # What staff have closed is not asked again.
    known = about.exclude(state=Case.State.RESOLVED, resolution=ANSWERED)
    for some in changed or (rows,):
        open_cases(_cases(kind, prefix, column, some.filter(~Exists(known))))


def _lost_since(since: datetime) -> list[int]:
    """The purchases whose payment was told anything but good of late.

    Their keys, and no subquery: a planner may read all that was ever sold to compare it with one.
    """
    payments = Payment.objects.filter(subject__startswith=PURCHASE, updated_at__gte=since)
    bad = payments.exclude(state=State.COMPLETED, reversed_at=None)
    key = Cast(Substr("subject", len(PURCHASE) + 1), BigIntegerField())
    return list(bad.annotate(purchase=key).values_list("purchase", flat=True))


def paid_not_activated() -> QuerySet[Payment]:
    """Paid for a purchase for longer than that, neither served, promised nor given up."""
    return Payment.objects.filter(
        state=State.COMPLETED,
        disposition=Disposition.OPEN,
        fulfilled_at=None,
        reversed_at=None,
        subject__startswith=PURCHASE,
        paid_at__lt=timezone.now() - ACTIVE_WITHIN,
    ).order_by("pk")


def activated_not_paid() -> QuerySet[Activation]:
    """Standing without a completed payment, by a phone or from credit, of which the money is there."""
    return (
        Activation.objects.filter(~Exists(_paying("purchase_id")), withdrawn_at=None)
        .select_related("purchase")
        .order_by("pk")
    )


def used_not_paid() -> QuerySet[Subscription]:
    """Used, though nothing that it was activated by is paid; a withdrawn sale was paid once, and so was
    data that somebody gave."""
    given = Gift.objects.filter(received=OuterRef("pk"))
    paid = Activation.objects.filter(
        Exists(_paying("purchase_id")) | Q(withdrawn_at__isnull=False),
        subscription=OuterRef("pk"),
    )
    return Subscription.objects.filter(
        ~Exists(paid), ~Exists(given), data_used_bytes__gt=0
    ).order_by("pk")


def _paying(purchase: str) -> QuerySet[Payment]:
    return Payment.objects.filter(
        subject=named(PURCHASE, OuterRef(purchase)), state=State.COMPLETED, reversed_at=None
    )


def _cases(kind: CaseKind, prefix: str, column: str, rows: QuerySet[Any]) -> Iterator[Case]:
    for row in rows.iterator():
        amount, detail = _at_stake(row)
        yield Case(
            kind=kind,
            subject=f"{prefix}{getattr(row, column)}",
            amount=amount,
            detail=detail,
            customer_waits=kind == CaseKind.PAID_NOT_ACTIVATED,
        )


def _at_stake(row: Payment | Activation | Subscription) -> tuple[int, str]:
    """TZS, and what is wrong in words."""
    if isinstance(row, Payment):
        assert row.paid_at is not None  # noqa: S101 - it is completed
        return (
            row.covered,
            f"paid at {in_business_time(row.paid_at)} for {row.subject}, not active",
        )
    if isinstance(row, Activation):
        return row.purchase.price, f"active since {in_business_time(row.created_at)}, not paid"
    return 0, f"{row.data_used_bytes:,} bytes used, and nothing of it is paid"


def _resolve(kind: CaseKind, prefix: str, column: str, rows: QuerySet[Any]) -> None:
    """Each open case finds its row by that row's own key."""
    key: Any = Substr("subject", len(prefix) + 1)
    if prefix != PAYMENT:
        key = Cast(key, BigIntegerField())
    cases = Case.objects.filter(kind=kind, state=Case.State.OPEN, subject__startswith=prefix)
    still = rows.filter(**{column: OuterRef("key")})
    resolve_cases(cases.annotate(key=key).filter(~Exists(still)), resolution=ANSWERED)
