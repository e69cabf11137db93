"""What must hold of work to come: a row has its next time or a case, and that time is near."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from cases.models import CaseKind
from cases.selectors import ever_had_case, has_open_case
from common.invariants import Invariant, Offender, offenders
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    ReceiptClaim,
    Transfer,
    WebhookDelivery,
)
from payments.providers.base import Reason
from payments.states import LIVE, State, TransferState

OVERDUE = timedelta(minutes=15)


def _attempts() -> Iterator[Offender]:
    """An expired one that was asked is followed for a week and then given to staff for good."""
    is_dropped = Q(status__in=LIVE) & ~has_open_case("payment:", "payment__public_id")
    is_lost = (
        Q(status=State.EXPIRED, posted_at__isnull=False)
        & ~Q(reason=Reason.UNAVAILABLE)
        & ~ever_had_case("payment:", "payment__public_id", kind=CaseKind.UNRESOLVED_PAYMENT)
    )
    rows = MobileMoneyTransaction.objects.filter(
        (Q(next_check_at__isnull=True) & (is_dropped | is_lost))
        | Q(next_check_at__lt=timezone.now() - OVERDUE)
    )
    return offenders(
        rows.order_by("pk").values(
            "payment__public_id", "payment__amount", "status", "next_check_at"
        ),
        subject="payment:{payment__public_id}",
        trouble="its attempt is {status}, and its next time is {next_check_at}",
        amount="payment__amount",
    )


def _follow_ups() -> Iterator[Offender]:
    rows = Payment.objects.filter(follow_up_at__lt=timezone.now() - OVERDUE)
    return offenders(
        rows.order_by("pk").values("public_id", "amount", "state", "follow_up_at"),
        subject="payment:{public_id}",
        trouble="{state}, to be acted on since {follow_up_at}",
        amount="amount",
    )


def _transfers() -> Iterator[Offender]:
    """One that waits for a second person has no time; it stands in the list of what waits."""
    is_dropped = Q(
        state__in=[TransferState.QUEUED, TransferState.PENDING], next_check_at__isnull=True
    ) & ~has_open_case("transfer:", "reference")
    rows = Transfer.objects.filter(is_dropped | Q(next_check_at__lt=timezone.now() - OVERDUE))
    return offenders(
        rows.order_by("pk").values("reference", "amount", "state", "next_check_at"),
        subject="transfer:{reference}",
        trouble="{state}, and its next time is {next_check_at}",
        amount="amount",
    )


def _deliveries() -> Iterator[Offender]:
    is_dropped = Q(state=WebhookDelivery.State.RECEIVED, next_try_at__isnull=True)
    rows = WebhookDelivery.objects.filter(is_dropped | Q(next_try_at__lt=timezone.now() - OVERDUE))
    return offenders(
        rows.order_by("pk").values("pk", "dialect", "state", "next_try_at"),
        subject="delivery:{pk}",
        trouble="of {dialect}: {state}, and its next time is {next_try_at}",
    )


def _claims() -> Iterator[Offender]:
    is_open = Q(closed_at__isnull=True)
    rows = ReceiptClaim.objects.filter(
        is_open & (Q(next_look_at__isnull=True) | Q(next_look_at__lt=timezone.now() - OVERDUE))
    )
    return offenders(
        rows.order_by("pk").values("pk", "state", "next_look_at"),
        subject="receipt:{pk}",
        trouble="{state}, and its next time is {next_look_at}",
    )


INVARIANTS = (
    Invariant("I-15a", "No attempt is forgotten", _attempts),
    Invariant("I-15b", "No final state waits to be acted on", _follow_ups),
    Invariant("I-15c", "No transfer is forgotten", _transfers),
    Invariant("I-15d", "No stored callback is forgotten", _deliveries),
    Invariant("I-15g", "No receipt that a customer names is forgotten", _claims),
)
