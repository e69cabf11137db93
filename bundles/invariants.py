"""What must hold of what was sold: nothing without money, nothing paid without service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

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
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone

from bundles.models import (
    KEPT_DAYS,
    LAST_PACKET_BYTES,
    Activation,
    Bundle,
    Gift,
    Purchase,
    Seat,
    Subscription,
)
from bundles.selectors import SUBJECT, purchase_of
from common.invariants import Invariant, Offender, named, offenders
from payments import ledger
from payments.models import Disposition, Entry, Payment, Posting
from payments.states import State

OVERDUE = timedelta(minutes=15)
DAY_MICROSECONDS = 24 * 60 * 60 * 10**6
PAYMENT = "payment:{public_id}"
SUBSCRIPTION = "subscription:{pk}"
GIFT = "gift:{pk}"
GIFT_OVERDUE = timedelta(days=1)  # a refund under way is waited for


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


def _bytes(rows: QuerySet[Any], of: str) -> Coalesce:
    """The bytes of the rows whose column `of` names a subscription."""
    sums = rows.filter(**{of: OuterRef("pk")}).order_by().values(of)
    return Coalesce(Subquery(sums.annotate(total=Sum("data_bytes")).values("total")), 0)


def _granted_otherwise() -> Iterator[Offender]:
    """While it runs, a subscription gives what its purchases gave, less what was taken back, and what
    was received, less what was given away.

    One that has ended keeps the figures that it had.
    """
    standing = Activation.objects.filter(withdrawn_at=None)
    given_away = Gift.objects.all()
    on_its_way = given_away.exclude(state=Gift.State.RETURNED)
    is_active = Q(state=Subscription.State.ACTIVE)
    rows = (
        Subscription.objects.annotate(
            bought=_bytes(Activation.objects.all(), "subscription"),
            stand=_bytes(standing, "subscription"),
            received=_bytes(Gift.objects.all(), "received"),
            given=_bytes(on_its_way, "subscription"),
            ever_given=_bytes(given_away, "subscription"),
        )
        .alias(left=Greatest(F("stand") + F("received") - F("given"), 0))
        .filter(
            (is_active & ~Q(data_limit_bytes=F("left")))
            | Q(data_limit_bytes__lt=F("stand") + F("received") - F("ever_given"))
            | Q(data_limit_bytes__gt=F("bought") + F("received"))
        )
        .order_by("pk")
        .values("pk", "state", "data_limit_bytes", "bought", "stand", "received", "given")
    )
    return offenders(
        rows,
        subject=SUBSCRIPTION,
        trouble="{state} with {data_limit_bytes} bytes; bought were {bought}, {stand} of them stand; "
        "{received} were received and {given} given away",
    )


def _fulfilled_otherwise() -> Iterator[Offender]:
    served = Activation.objects.filter(purchase_id=OuterRef("purchase"))
    fulfilled = Payment.objects.filter(
        subject__startswith=SUBJECT, disposition=Disposition.FULFILLED
    )
    promised = Gift.objects.filter(purchase_id=OuterRef("purchase"))
    unserved = fulfilled.annotate(purchase=purchase_of("subject")).exclude(
        Exists(served) | Exists(promised)
    )
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
            trouble="fulfilled, but {subject} was never activated nor promised",
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
    """A gift is paid when it is promised, and activated when it is claimed."""
    of_purchase = {"purchase_id": OuterRef("pk")}
    is_activated = Exists(Activation.objects.filter(**of_purchase))
    is_served = is_activated | Exists(Gift.objects.filter(**of_purchase))
    is_paid = Q(state=Purchase.State.PAID)
    rows = Purchase.objects.annotate(is_served=is_served).filter(
        (is_paid & Q(is_served=False)) | (~is_paid & Q(is_served=True))
    )
    return offenders(
        rows.order_by("pk").values("pk", "price", "state", "is_served"),
        subject="purchase:{pk}",
        trouble="{state}; activated or promised: {is_served}",
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
    received = Gift.objects.filter(received=OuterRef("pk"))
    rows = Subscription.objects.filter(state=Subscription.State.ACTIVE).exclude(
        Exists(standing) | Exists(received)
    )
    return offenders(
        rows.order_by("pk").values("pk"),
        subject=SUBSCRIPTION,
        trouble="active, but no purchase of it stands, nor a gift",
    )


def _lasts_otherwise() -> Iterator[Offender]:
    """While it awaits its first use it is kept for some days more; one that a gift of data began has
    its giver's time.

    Durations are microseconds where the database has no type for them: MySQL, MariaDB, SQLite.
    """
    microseconds = Cast("lends_time", BigIntegerField())
    lent = Gift.objects.filter(received=OuterRef("pk")).order_by().values("received")
    rows = (
        Subscription.objects.filter(state=Subscription.State.ACTIVE)
        .values("pk", "starts_at", "ends_at", "awaits_first_use")
        .annotate(
            days=Coalesce(Sum("activations__days", filter=Q(activations__withdrawn_at=None)), 0)
            + Case(When(awaits_first_use=True, then=KEPT_DAYS), default=0),
            lent=Coalesce(Subquery(lent.annotate(total=Sum(microseconds)).values("total")), 0),
        )
        .alias(
            lasts=ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField()),
            due=ExpressionWrapper(
                F("days") * Value(DAY_MICROSECONDS) + F("lent"), output_field=DurationField()
            ),
        )
        .exclude(lasts=F("due"))
        .order_by("pk")
    )
    return offenders(
        rows,
        subject=SUBSCRIPTION,
        trouble="lasts from {starts_at} to {ends_at}, and {days} days were bought, and {lent} microseconds given",
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
            in_use.filter(purchase=None)
            .exclude(Exists(active.filter(**of_both)))
            .order_by("pk")
            .values("bundle_id", "number"),
            subject="bundle:{bundle_id}",
            trouble="seat {number} is in use by nobody",
        ),
    )


def _gift_without_place() -> Iterator[Offender]:
    """What was bought for somebody has its place until it is claimed or goes back, and no longer."""
    offered = Gift.objects.filter(state=Gift.State.OFFERED, purchase__isnull=False)
    of_purchase = {"purchase": OuterRef("purchase")}
    in_use = Seat.objects.filter(held_until=None)
    return chain(
        offenders(
            offered.exclude(Exists(in_use.filter(**of_purchase))).order_by("pk").values("pk"),
            subject=GIFT,
            trouble="offered, and no seat is kept for it",
        ),
        offenders(
            in_use.filter(purchase__isnull=False)
            .exclude(Exists(offered.filter(**of_purchase)))
            .order_by("pk")
            .values("bundle_id", "number", "purchase_id"),
            subject="bundle:{bundle_id}",
            trouble="seat {number} is kept for purchase {purchase_id}, which is no gift on offer",
        ),
    )


def _gift_claimed_otherwise() -> Iterator[Offender]:
    """What was claimed has become service of whoever claimed it, once; what was not, has not."""
    is_bought, is_claimed = Q(purchase__isnull=False), Q(state=Gift.State.CLAIMED)
    activated = Activation.objects.filter(purchase=OuterRef("purchase"))
    by_claimer = activated.filter(subscription__customer=OuterRef("claimed_by"))
    rows = Gift.objects.annotate(
        is_activated=Exists(activated), is_theirs=Exists(by_claimer)
    ).filter(
        (is_bought & is_claimed & Q(is_theirs=False))
        | (is_bought & ~is_claimed & Q(is_activated=True))
        | (is_bought & Q(received__isnull=False))
        | (~is_bought & is_claimed & Q(received=None))
        | (~is_bought & ~is_claimed & Q(received__isnull=False))
        | ~Q(received__customer=F("claimed_by")) & Q(received__isnull=False)
        | ~Q(received__bundle=F("bundle")) & Q(received__isnull=False)
    )
    return offenders(
        rows.order_by("pk").values("pk", "state", "is_activated", "received"),
        subject=GIFT,
        trouble="{state}; activated: {is_activated}; its data is in subscription {received}",
    )


def _gift_outlives() -> Iterator[Offender]:
    """Nothing is on offer of what has ended, nor long after its time."""
    ended = Q(subscription__state=Subscription.State.ENDED)
    overdue = Q(expires_at__lt=timezone.now() - GIFT_OVERDUE)
    rows = Gift.objects.filter(ended | overdue, state=Gift.State.OFFERED)
    return offenders(
        rows.order_by("pk").values("pk", "expires_at"),
        subject=GIFT,
        trouble="offered, but over since {expires_at}, or with its subscription",
    )


def _not_earned() -> Iterator[Offender]:
    """Once a sale is earned, nothing of it is held back any more."""
    earned = Activation.objects.filter(purchase_id=OuterRef("purchase"), earned_at__isnull=False)
    rows = (
        Entry.objects.filter(account__startswith="earnings_held:")
        .annotate(purchase=purchase_of("posting__payment__subject"))
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
    Invariant("M-30", "Each gift on offer has its place", _gift_without_place),
    Invariant("M-31", "Each claimed gift became service once", _gift_claimed_otherwise),
    Invariant("M-32", "No gift outlives its end", _gift_outlives),
    Invariant("F-01", "Each sale has its fiscal record", _unrecorded),
)
