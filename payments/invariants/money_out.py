"""What must hold of money that leaves: refunds, credit sent back and payouts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Substr

from common.invariants import Invariant, Offender, named, offenders
from payments.invariants.history import allowed, came_after, ends_otherwise
from payments.models import Entry, Posting, ProviderCall, Transfer, TransferEvent
from payments.providers.base import Outcome
from payments.states import OPEN_TRANSFERS, TRANSFER_MOVES, TransferState

TRANSFER = "transfer:{reference}"
FINAL = [state for state in TransferState if state not in OPEN_TRANSFERS]
GIVEN_BACK = (TransferState.FAILED, TransferState.REJECTED)
LEAVING = (*OPEN_TRANSFERS, TransferState.SUCCEEDED)


def _more_than_was_paid() -> Iterator[Offender]:
    rows = (
        Transfer.objects.filter(payment__isnull=False, state__in=LEAVING)
        .values(public_id=F("payment__public_id"), paid=F("payment__paid_amount"))
        .annotate(back=Sum("amount"))
        .filter(Q(paid__isnull=True) | Q(back__gt=F("paid")))
        .order_by("public_id")
    )
    return offenders(
        rows,
        subject="payment:{public_id}",
        trouble="{paid} TZS were paid, {back} go or went back",
        amount="back",
    )


def _sent_twice() -> Iterator[Offender]:
    """A second sending is allowed only after proof that the one before was not processed."""
    calls = ProviderCall.objects.filter(kind=ProviderCall.Kind.SEND).exclude(
        outcome=Outcome.NOT_SENT
    )
    later = ProviderCall.objects.filter(
        kind=ProviderCall.Kind.SEND, transfer=OuterRef("transfer"), pk__gt=OuterRef("pk")
    )
    rows = calls.filter(Exists(later) | Q(transfer__sends=0))
    return offenders(
        rows.order_by("pk").values(
            "pk", "outcome", "transfer__reference", "transfer__amount", "transfer__sends"
        ),
        subject="transfer:{transfer__reference}",
        trouble="call {pk} had the outcome '{outcome}' and is not the one sending; "
        "{transfer__sends} are counted",
        amount="transfer__amount",
    )


def _decided_alone() -> Iterator[Offender]:
    """What the rules take back, because the provider has reversed the payment, nobody decides."""
    decisions = TransferEvent.objects.filter(
        transfer=OuterRef("pk"), from_state=TransferState.REQUESTED
    ).exclude(source=TransferEvent.Source.RULE, to_state=TransferState.REJECTED)
    by_nobody_else = decisions.filter(
        Q(by__isnull=True) | Q(by=OuterRef("requested_by")) | ~Q(by=OuterRef("decided_by"))
    )
    rows = Transfer.objects.filter(
        Q(decided_by=F("requested_by"))
        | (Exists(decisions) & (Q(decided_by__isnull=True) | Exists(by_nobody_else)))
    )
    return offenders(
        rows.order_by("pk").values("reference", "amount", "requested_by", "decided_by"),
        subject=TRANSFER,
        trouble="asked for by person {requested_by}, decided by {decided_by}",
        amount="amount",
    )


def _history_ends_otherwise() -> Iterator[Offender]:
    rows = ends_otherwise(
        Transfer.objects.all(), TransferEvent.objects.all(), "transfer", "reference", "amount"
    )
    return offenders(
        rows,
        subject=TRANSFER,
        trouble="{state}, but its history ends with {told}",
        amount="amount",
    )


def _left_a_final_state() -> Iterator[Offender]:
    events = TransferEvent.objects.all()
    is_allowed = allowed(TRANSFER_MOVES, first=[TransferState.REQUESTED, TransferState.QUEUED])
    is_too_late = came_after(events, FINAL, "transfer")
    return offenders(
        events.filter(~is_allowed | is_too_late)
        .order_by("pk")
        .values("transfer__reference", "transfer__amount", "from_state", "to_state"),
        subject="transfer:{transfer__reference}",
        trouble="moved from '{from_state}' to '{to_state}'",
        amount="transfer__amount",
    )


def _wrongly_held() -> Iterator[Offender]:
    """A transfer's own account holds its amount while it is open, and nothing afterwards."""
    lines = (
        Entry.objects.filter(account=named("transfer:", OuterRef("reference")))
        .order_by()
        .values("account")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    rows = Transfer.objects.annotate(
        held=-Coalesce(Subquery(lines), 0),
        due=Case(When(state__in=OPEN_TRANSFERS, then=F("amount")), default=Value(0)),
    ).exclude(held=F("due"))
    known = Transfer.objects.filter(reference=OuterRef("reference"))
    nobodys = (
        Entry.objects.filter(account__startswith="transfer:")
        .annotate(reference=Substr("account", len("transfer:") + 1))
        .exclude(Exists(known))
    )
    return chain(
        offenders(
            rows.order_by("pk").values("reference", "state", "held", "due"),
            subject=TRANSFER,
            trouble="{state}: its account holds {held} TZS, not {due}",
            amount="held",
        ),
        offenders(
            nobodys.order_by("pk").values("reference", "amount"),
            subject=TRANSFER,
            trouble="{amount} TZS lie on the account of no transfer",
            amount="amount",
        ),
    )


def _wrongly_booked() -> Iterator[Offender]:
    """Started for each, sent from the provider's account for what succeeded, undone for the rest."""

    def is_booked(step: str) -> Exists:
        source = named(f"transfer-{step}:", OuterRef("reference"))
        return Exists(Posting.objects.filter(source=source, transfer=OuterRef("pk")))

    left_us = Exists(
        Entry.objects.annotate(left=-F("amount")).filter(
            posting__source=named("transfer-sent:", OuterRef("reference")),
            account__startswith=named("provider:", OuterRef("provider"), ":"),
            left=OuterRef("amount"),
        )
    )
    rows = Transfer.objects.annotate(
        is_started=is_booked("started"), is_sent=is_booked("sent"), is_undone=is_booked("undone")
    ).exclude(
        (Q(state=TransferState.SUCCEEDED) & Q(is_sent=True, is_undone=False) & left_us)
        | Q(state__in=GIVEN_BACK, is_sent=False, is_undone=True)
        | Q(state__in=OPEN_TRANSFERS, is_sent=False, is_undone=False),
        is_started=True,
    )
    return offenders(
        rows.order_by("pk").values(
            "reference", "amount", "state", "is_started", "is_sent", "is_undone"
        ),
        subject=TRANSFER,
        trouble="{state}; booked are: started {is_started}, sent {is_sent}, undone {is_undone}",
        amount="amount",
    )


INVARIANTS = (
    Invariant("I-10b", "A transfer never leaves its final state", _left_a_final_state),
    Invariant("I-12", "No more goes back than was paid", _more_than_was_paid),
    Invariant("I-13", "A transfer is sent once", _sent_twice),
    Invariant("I-14", "Two people decide on what waits for a second one", _decided_alone),
    Invariant("M-07", "A transfer's account holds what is on its way", _wrongly_held),
    Invariant("M-08", "Each transfer is booked as it ended", _wrongly_booked),
    Invariant("M-09", "A transfer's history ends with its state", _history_ends_otherwise),
)
