"""What must hold of money asked of customers, from the prompt to what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Substr, Trim, Upper
from django.utils import timezone

from cases.selectors import has_open_case
from common.invariants import Invariant, Offender, named, offenders
from payments import ledger
from payments.invariants.history import allowed, came_after, ends_otherwise
from payments.models import (
    Disposition,
    Entry,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    ProviderCall,
    Transfer,
)
from payments.providers.base import Outcome
from payments.states import LIVE, MOVES, OPEN_TRANSFERS, State, TransferState

CLAIM_WITHIN = timedelta(minutes=2)
CURRENCY = "TZS"
PAYMENT = "payment:{public_id}"
COVERED = Coalesce(F("paid_amount"), 0) + F("from_credit")  # by the phone and by credit


def _unclaimed() -> Iterator[Offender]:
    unclaimed = Payment.objects.filter(
        ~has_open_case("payment:", "public_id"),
        state=State.COMPLETED,
        disposition=Disposition.OPEN,
        paid_at__lt=timezone.now() - CLAIM_WITHIN,
    )
    is_served = Q(fulfilled_at__isnull=False)
    torn = Payment.objects.filter(
        (Q(disposition=Disposition.FULFILLED) & ~is_served)
        | (~Q(disposition=Disposition.FULFILLED) & is_served)
    )
    return chain(
        offenders(
            unclaimed.order_by("pk").values("public_id", "paid_amount", "paid_at"),
            subject=PAYMENT,
            trouble="completed at {paid_at}, neither fulfilled nor given up, no case",
            amount="paid_amount",
        ),
        offenders(
            torn.order_by("pk").values("public_id", "paid_amount", "disposition", "fulfilled_at"),
            subject=PAYMENT,
            trouble="disposition '{disposition}', but fulfilled at {fulfilled_at}",
            amount="paid_amount",
        ),
    )


def _charged_twice() -> Iterator[Offender]:
    """A second request is allowed only after proof that the one before was not processed."""
    calls = ProviderCall.objects.filter(kind=ProviderCall.Kind.COLLECT)
    later = calls.filter(attempt=OuterRef("attempt"), pk__gt=OuterRef("pk"))
    rows = calls.filter(Exists(later)).exclude(outcome=Outcome.NOT_SENT)
    return offenders(
        rows.order_by("pk").values(
            "pk", "outcome", "attempt__payment__public_id", "attempt__payment__amount"
        ),
        subject="payment:{attempt__payment__public_id}",
        trouble="asked again after call {pk}, which had the outcome '{outcome}'",
        amount="attempt__payment__amount",
    )


def _alive_twice() -> Iterator[Offender]:
    attempts = (
        MobileMoneyTransaction.objects.filter(status__in=LIVE)
        .values("payment__public_id", "payment__amount")
        .annotate(alive=Count("pk"))
        .filter(alive__gt=1)
        .order_by("payment__public_id")
    )
    payments = (
        Payment.objects.filter(state__in=LIVE)
        .values("subject")
        .annotate(alive=Count("pk"), asked=Sum("amount"))
        .filter(alive__gt=1)
        .order_by("subject")
    )
    return chain(
        offenders(
            attempts,
            subject="payment:{payment__public_id}",
            trouble="{alive} live attempts",
            amount="payment__amount",
        ),
        offenders(payments, subject="{subject}", trouble="{alive} live payments", amount="asked"),
    )


def _receipt_used_twice() -> Iterator[Offender]:
    """Also in another case or with blanks round it, which the unique constraint takes for another."""
    rows = (
        MobileMoneyTransaction.objects.filter(provider_transaction_id__isnull=False)
        .values("provider", receipt=Upper(Trim("provider_transaction_id")))
        .annotate(times=Count("pk"), paid=Sum("payment__paid_amount"))
        .filter(times__gt=1)
        .order_by("provider", "receipt")
    )
    return offenders(
        rows,
        subject="receipt:{provider}:{receipt}",
        trouble="recorded for {times} attempts",
        amount="paid",
    )


def _attempt_tells_otherwise() -> Iterator[Offender]:
    rows = MobileMoneyTransaction.objects.filter(
        ~Q(status=F("payment__state"))
        | ~Q(provider=F("payment__payment_method"))
        | ~Q(reason=F("payment__reason"))
    )
    return offenders(
        rows.order_by("pk").values(
            "status",
            "provider",
            "reason",
            "payment__public_id",
            "payment__amount",
            "payment__state",
            "payment__payment_method",
            "payment__reason",
        ),
        subject="payment:{payment__public_id}",
        trouble="{payment__state} {payment__reason} by {payment__payment_method}, "
        "its attempt {status} {reason} by {provider}",
        amount="payment__amount",
    )


def _history_ends_otherwise() -> Iterator[Offender]:
    rows = ends_otherwise(
        Payment.objects.all(), PaymentEvent.objects.all(), "payment", "public_id", "amount"
    )
    return offenders(
        rows,
        subject=PAYMENT,
        trouble="{state}, but its history ends with {told}",
        amount="amount",
    )


def _left_a_final_state() -> Iterator[Offender]:
    events = PaymentEvent.objects.all()
    # Bills, and what credit pays for, begin with the money.
    is_allowed = allowed(MOVES, first=[State.INITIATED, State.COMPLETED])
    is_too_late = came_after(events, [State.COMPLETED], "payment")
    return offenders(
        events.filter(~is_allowed | is_too_late)
        .order_by("pk")
        .values("payment__public_id", "payment__amount", "from_state", "to_state"),
        subject="payment:{payment__public_id}",
        trouble="moved from '{from_state}' to '{to_state}'",
        amount="payment__amount",
    )


def _wrong_amount() -> Iterator[Offender]:
    is_completed = Q(state=State.COMPLETED)
    is_paid = Q(came_in__gt=0, paid_at__isnull=False)
    rows = Payment.objects.annotate(came_in=COVERED).filter(
        (is_completed & ~is_paid)
        | (~is_completed & (Q(paid_amount__isnull=False) | Q(paid_at__isnull=False)))
        | Q(disposition=Disposition.FULFILLED, came_in__lt=F("amount"))
        | ~Q(currency=CURRENCY)
    )
    return offenders(
        rows.order_by("pk").values(
            "public_id", "state", "disposition", "amount", "paid_amount", "currency", "paid_at"
        ),
        subject=PAYMENT,
        trouble="{state} '{disposition}': {paid_amount} of {amount} {currency} paid at {paid_at}",
        amount="amount",
    )


def _collection_not_booked() -> Iterator[Offender]:
    lines = Entry.objects.filter(
        posting__source=named("collection:", OuterRef("reference")),
        posting__payment=OuterRef("payment"),
    )
    # What was in suspense before comes from there, the rest from the provider.
    sides = Q(account=named("provider:", OuterRef("provider"), ":collection")) | Q(
        account=named("suspense:", OuterRef("provider"))
    )
    booked = (
        lines.filter(sides).order_by().values("posting").annotate(all=Sum("amount")).values("all")
    )
    missing = (
        MobileMoneyTransaction.objects.filter(status=State.COMPLETED)
        .annotate(booked=Subquery(booked[:1]))
        .filter(Q(booked__isnull=True) | ~Q(booked=F("payment__paid_amount")))
    )
    completed = MobileMoneyTransaction.objects.filter(
        reference=OuterRef("of"), status=State.COMPLETED
    )
    unfounded = (
        Posting.objects.filter(source__startswith="collection:")
        .annotate(of=Substr("source", len("collection:") + 1))
        .exclude(Exists(completed))
    )
    return chain(
        offenders(
            missing.order_by("pk").values(
                "payment__public_id", "payment__paid_amount", "reference", "booked"
            ),
            subject="payment:{payment__public_id}",
            trouble="{payment__paid_amount} TZS were paid, collection:{reference} books {booked}",
            amount="payment__paid_amount",
        ),
        offenders(
            unfounded.order_by("pk").values("source"),
            subject="posting:{source}",
            trouble="books a collection of no completed attempt",
        ),
    )


def _wrong_credit() -> Iterator[Offender]:
    """Given up: all that was paid. Fulfilled: what was paid above the price. Else nothing.

    Of money sent back it depends on whether it was credit before.
    """
    line = Entry.objects.filter(
        posting__source=named("credit:", OuterRef("public_id")),
        posting__payment=OuterRef("pk"),
        account=named("credit:", OuterRef("payer_id")),
    )
    due = Case(
        When(disposition=Disposition.CREDITED, then=COVERED),
        When(
            disposition=Disposition.FULFILLED,
            came_in__gt=F("amount"),
            then=COVERED - F("amount"),
        ),
        default=Value(0),
    )
    was_credit = Q(disposition=Disposition.REFUNDED, credited=COVERED)
    rows = (
        Payment.objects.filter(state=State.COMPLETED)
        .annotate(came_in=COVERED)
        .annotate(credited=-Coalesce(Subquery(line.values("amount")[:1]), 0), due=due)
        .exclude(was_credit)
        .exclude(credited=F("due"))
    )
    return offenders(
        rows.order_by("pk").values("public_id", "disposition", "paid_amount", "credited", "due"),
        subject=PAYMENT,
        trouble="'{disposition}' with {paid_amount} paid: {credited} became credit, not {due}",
        amount="paid_amount",
    )


def _wrongly_held() -> Iterator[Offender]:
    """`receipts` holds what nobody has claimed, and what a refund that came to nothing gave back."""
    lines = (  # found by the payment, of which there are few: of `receipts` each payment has some
        Entry.objects.filter(posting__payment=OuterRef("pk"))
        .order_by()
        .values("posting__payment")
        .annotate(total=Sum("amount", filter=Q(account=ledger.RECEIPTS)))
        .values("total")
    )
    leaving = (
        Transfer.objects.filter(
            payment=OuterRef("pk"), state__in=[*OPEN_TRANSFERS, TransferState.SUCCEEDED]
        )
        .order_by()
        .values("payment")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    was_credit = Posting.objects.filter(source=named("credit:", OuterRef("public_id")))
    due = Case(
        When(reversed_at__isnull=False, then=Value(0)),
        When(disposition=Disposition.OPEN, then=COVERED),
        When(
            ~Exists(was_credit),
            disposition=Disposition.REFUNDED,
            then=F("paid_amount") - Coalesce(Subquery(leaving), 0),
        ),
        default=Value(0),
        output_field=BigIntegerField(),
    )
    rows = (
        Payment.objects.filter(state=State.COMPLETED)
        .annotate(held=-Coalesce(Subquery(lines), 0), due=due)
        .exclude(held=F("due"))
    )
    nobodys = (
        Entry.objects.filter(account=ledger.RECEIPTS)
        .exclude(posting__payment__state=State.COMPLETED)
        .exclude(posting__source__startswith="credit-")  # waits with its order, or came back
    )
    return chain(
        offenders(
            rows.order_by("pk").values("public_id", "disposition", "paid_amount", "held", "due"),
            subject=PAYMENT,
            trouble="'{disposition}' with {paid_amount} paid: receipts hold {held} TZS, not {due}",
            amount="paid_amount",
        ),
        offenders(
            nobodys.order_by("pk").values("posting__source", "amount"),
            subject="posting:{posting__source}",
            trouble="{amount} TZS on receipts are of no completed payment",
            amount="amount",
        ),
    )


INVARIANTS = (
    Invariant("I-01", "Completed money is fulfilled, given up or in a case", _unclaimed),
    Invariant("I-05", "A phone is charged once per attempt", _charged_twice),
    Invariant("I-06", "One live attempt per payment, one live payment per subject", _alive_twice),
    Invariant("I-07", "One receipt pays one payment", _receipt_used_twice),
    Invariant("I-10a", "A payment never leaves its final state", _left_a_final_state),
    Invariant("I-11", "Amounts and currency fit what was sold", _wrong_amount),
    Invariant("M-01", "A payment shows its attempt", _attempt_tells_otherwise),
    Invariant("M-02", "A payment's history ends with its state", _history_ends_otherwise),
    Invariant(
        "M-03", "Each completed collection is booked, and nothing else", _collection_not_booked
    ),
    Invariant("M-04", "Credit is what was paid too much or for nothing", _wrong_credit),
    Invariant("M-05", "Receipts hold what nobody has claimed", _wrongly_held),
)
