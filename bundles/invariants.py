"""What must hold of what was sold: nothing without money, nothing paid without service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Substr
from django.utils import timezone

from bundles.models import (
    KEPT_DAYS,
    LAST_PACKET_BYTES,
    Activation,
    Bundle,
    Purchase,
    Seat,
    Subscription,
)
from common.invariants import Invariant, Offender, named, offenders
from payments import ledger
from payments.models import Disposition, Entry, Payment, Posting
from payments.states import State

OVERDUE = timedelta(minutes=15)
DAY_MICROSECONDS = 24 * 60 * 60 * 10**6
SUBJECT = "purchase:"
PAYMENT = "payment:{public_id}"
SUBSCRIPTION = "subscription:{pk}"


def _purchase_of(subject: str) -> Cast:
    """The purchase's key in a payment's subject; by it the database finds its rows by an index."""
    return Cast(Substr(subject, len(SUBJECT) + 1), BigIntegerField())


def _served_unpaid() -> Iterator[Offender]:
    paid = Payment.objects.filter(
        subject=named(SUBJECT, OuterRef("purchase_id")), state=State.COMPLETED
    )
    rows = Activation.objects.exclude(Exists(paid))
    return offenders(
        rows.order_by("pk").values("purchase_id", "purchase__price"),
        subject="purchase:{purchase_id}",
        trouble="activated without a completed payment",
        amount="purchase__price",
    )


def _granted_otherwise() -> Iterator[Offender]:
    """While it runs, a subscription gives what its purchases gave, less what was taken back.

    One that was ended by a withdrawal keeps the figures that it had.
    """
    standing = Q(activations__withdrawn_at=None)
    is_active = Q(state=Subscription.State.ACTIVE)
    rows = (
        Subscription.objects.values("pk", "state", "data_limit_bytes")
        .annotate(
            given=Coalesce(Sum("activations__data_bytes"), 0),
            left=Coalesce(Sum("activations__data_bytes", filter=standing), 0),
        )
        .filter(
            (is_active & ~Q(data_limit_bytes=F("left")))
            | Q(data_limit_bytes__lt=F("left"))
            | Q(data_limit_bytes__gt=F("given"))
        )
        .order_by("pk")
    )
    return offenders(
        rows,
        subject=SUBSCRIPTION,
        trouble="{state} with {data_limit_bytes} bytes; bought were {given}, {left} of them stand",
    )


def _fulfilled_otherwise() -> Iterator[Offender]:
    served = Activation.objects.filter(purchase_id=OuterRef("purchase"))
    fulfilled = Payment.objects.filter(
        subject__startswith=SUBJECT, disposition=Disposition.FULFILLED
    )
    unserved = fulfilled.annotate(purchase=_purchase_of("subject")).exclude(Exists(served))
    payments = fulfilled.filter(subject=named(SUBJECT, OuterRef("purchase_id")))
    unclaimed = Activation.objects.exclude(Exists(payments))
    twice = (
        fulfilled.values("subject")
        .annotate(times=Count("pk"), paid=Sum("paid_amount"))
        .filter(times__gt=1)
        .order_by("subject")
    )
    return chain(
        offenders(
            unserved.order_by("pk").values("public_id", "subject", "paid_amount"),
            subject=PAYMENT,
            trouble="fulfilled, but {subject} was never activated",
            amount="paid_amount",
        ),
        offenders(
            unclaimed.order_by("pk").values("purchase_id", "purchase__price"),
            subject="purchase:{purchase_id}",
            trouble="activated, but no payment was fulfilled by it",
            amount="purchase__price",
        ),
        offenders(
            twice,
            subject="{subject}",
            trouble="{times} payments were fulfilled by one activation",
            amount="paid",
        ),
    )


def _purchase_tells_otherwise() -> Iterator[Offender]:
    activation = Activation.objects.filter(purchase_id=OuterRef("pk"))
    is_paid = Q(state=Purchase.State.PAID)
    rows = Purchase.objects.annotate(is_activated=Exists(activation)).filter(
        (is_paid & Q(is_activated=False)) | (~is_paid & Q(is_activated=True))
    )
    return offenders(
        rows.order_by("pk").values("pk", "price", "state", "is_activated"),
        subject="purchase:{pk}",
        trouble="{state}; activated: {is_activated}",
        amount="price",
    )


def _sale_not_booked() -> Iterator[Offender]:
    booked = Entry.objects.filter(
        posting__source=named("sale:", OuterRef("subject")),
        posting__payment=OuterRef("pk"),
        account=ledger.RECEIPTS,
    )
    missing = (
        Payment.objects.filter(subject__startswith=SUBJECT, disposition=Disposition.FULFILLED)
        .annotate(booked=Subquery(booked.values("amount")[:1]))
        .filter(Q(booked__isnull=True) | ~Q(booked=F("amount")))
    )
    unfounded = Posting.objects.filter(source__startswith="sale:").exclude(
        payment__disposition=Disposition.FULFILLED,
        source=named("sale:", "payment__subject"),
    )
    return chain(
        offenders(
            missing.order_by("pk").values("public_id", "amount", "booked"),
            subject=PAYMENT,
            trouble="sold for {amount} TZS, the sale books {booked}",
            amount="amount",
        ),
        offenders(
            unfounded.order_by("pk").values("source", "payment__public_id", "payment__amount"),
            subject="posting:{source}",
            trouble="books a sale that payment {payment__public_id} was not fulfilled by",
            amount="payment__amount",
        ),
    )


def _usable_unpaid() -> Iterator[Offender]:
    standing = Activation.objects.filter(subscription=OuterRef("pk"), withdrawn_at=None)
    rows = Subscription.objects.filter(state=Subscription.State.ACTIVE).exclude(Exists(standing))
    return offenders(
        rows.order_by("pk").values("pk"),
        subject=SUBSCRIPTION,
        trouble="active, but no purchase of it stands",
    )


def _lasts_otherwise() -> Iterator[Offender]:
    """While it awaits its first use it is kept for some days more.

    Durations are microseconds where the database has no type for them: MySQL, MariaDB, SQLite.
    """
    rows = (
        Subscription.objects.filter(state=Subscription.State.ACTIVE)
        .values("pk", "starts_at", "ends_at", "awaits_first_use")
        .annotate(
            days=Sum("activations__days", filter=Q(activations__withdrawn_at=None))
            + Case(When(awaits_first_use=True, then=KEPT_DAYS), default=0)
        )
        .alias(
            lasts=ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField()),
            bought=ExpressionWrapper(
                F("days") * Value(DAY_MICROSECONDS), output_field=DurationField()
            ),
        )
        .exclude(lasts=F("bought"))
        .order_by("pk")
    )
    return offenders(
        rows,
        subject=SUBSCRIPTION,
        trouble="lasts from {starts_at} to {ends_at}, and {days} days were bought",
    )


def _oversold() -> Iterator[Offender]:
    rows = (
        Bundle.objects.filter(seats__held_until=None)
        .values("pk", "max_clients")
        .annotate(used=Count("seats"))
        .filter(used__gt=F("max_clients"))
        .order_by("pk")
    )
    return offenders(
        rows, subject="bundle:{pk}", trouble="{used} of {max_clients} seats are in use"
    )


def _seat_missing() -> Iterator[Offender]:
    of_both = {"bundle": OuterRef("bundle"), "customer": OuterRef("customer")}
    active = Subscription.objects.filter(state=Subscription.State.ACTIVE)
    in_use = Seat.objects.filter(held_until=None)
    return chain(
        offenders(
            active.exclude(Exists(in_use.filter(**of_both))).order_by("pk").values("pk"),
            subject=SUBSCRIPTION,
            trouble="active without a seat",
        ),
        offenders(
            in_use.exclude(Exists(active.filter(**of_both)))
            .order_by("pk")
            .values("bundle_id", "number"),
            subject="bundle:{bundle_id}",
            trouble="seat {number} is in use by nobody",
        ),
    )


def _not_earned() -> Iterator[Offender]:
    """Once a sale is earned, nothing of it is held back any more."""
    earned = Activation.objects.filter(purchase_id=OuterRef("purchase"), earned_at__isnull=False)
    rows = (
        Entry.objects.filter(account__startswith="earnings_held:")
        .annotate(purchase=_purchase_of("posting__payment__subject"))
        .filter(Exists(earned))
        .values(public_id=F("posting__payment__public_id"), subject=F("posting__payment__subject"))
        .annotate(held=-Sum("amount"))
        .exclude(held=0)
        .order_by("public_id")
    )
    return offenders(
        rows,
        subject=PAYMENT,
        trouble="{subject} is earned, but {held} TZS of it are held",
        amount="held",
    )


def _use_not_noted() -> Iterator[Offender]:
    """A customer whose data is used up is told so, and its sale is earned."""
    is_used_up = Q(data_used_bytes__gt=F("data_limit_bytes") - LAST_PACKET_BYTES)
    rows = Subscription.objects.filter(state=Subscription.State.ACTIVE).filter(
        (is_used_up & Q(used_up_at=None)) | (~is_used_up & Q(used_up_at__isnull=False))
    )
    return offenders(
        rows.order_by("pk").values("pk", "data_used_bytes", "data_limit_bytes", "used_up_at"),
        subject=SUBSCRIPTION,
        trouble="used {data_used_bytes} of {data_limit_bytes} bytes; used up at {used_up_at}",
    )


def _overdue() -> Iterator[Offender]:
    rows = Subscription.objects.filter(
        state=Subscription.State.ACTIVE, ends_at__lt=timezone.now() - OVERDUE
    )
    return offenders(
        rows.order_by("pk").values("pk", "ends_at"),
        subject=SUBSCRIPTION,
        trouble="active, but over since {ends_at}",
    )


def _unrecorded() -> Iterator[Offender]:
    """A sweep writes the record of a sale within the minute."""
    rows = Activation.objects.filter(
        Q(purchase__fiscal_record=None) | ~Q(purchase__fiscal_record__amount=F("purchase__price")),
        created_at__lt=timezone.now() - OVERDUE,
    )
    return offenders(
        rows.order_by("pk").values(
            "purchase", "purchase__price", "purchase__fiscal_record__amount"
        ),
        subject="purchase:{purchase}",
        trouble="sold for {purchase__price} TZS, its fiscal record has {purchase__fiscal_record__amount}",
        amount="purchase__price",
    )


INVARIANTS = (
    Invariant("I-02", "No activation without a completed payment", _served_unpaid),
    Invariant("I-15f", "No subscription outlives its end", _overdue),
    Invariant("I-18", "A subscription gives the data that was bought", _granted_otherwise),
    Invariant("M-11", "Each fulfilled payment has its own activation", _fulfilled_otherwise),
    Invariant("M-12", "Each fulfilled payment is booked as a sale", _sale_not_booked),
    Invariant("M-13", "No usable subscription without a purchase", _usable_unpaid),
    Invariant("M-14", "No bundle is oversold", _oversold),
    Invariant("M-15", "Each active subscription has one seat", _seat_missing),
    Invariant("M-16", "Nothing of an earned sale is held back", _not_earned),
    Invariant("M-20", "A purchase is paid when it is activated", _purchase_tells_otherwise),
    Invariant("M-21", "A subscription lasts the days that were bought", _lasts_otherwise),
    Invariant("M-22", "What is used up is noted as such", _use_not_noted),
    Invariant("F-01", "Each sale has its fiscal record", _unrecorded),
)
