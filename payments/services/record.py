"""Writes a state, on the attempt and its payment together, with the history of the move."""

from __future__ import annotations

from django.utils import timezone

from cases.models import CaseKind
from cases.services import resolve_by_itself
from payments.models import MobileMoneyTransaction, Payment, PaymentEvent
from payments.states import State, may_move

# What a move and the news that brings it may change; what was sent and answered is `push`'s.
ATTEMPT_COLUMNS = (
    "status",
    "reason",
    "provider_status",
    "provider_transaction_id",
    "provider_reference",
    "webhook_data",
    "posted_at",
    "sends",
    "resend_due",
    "next_check_at",
    "updated_at",
)
PAYMENT_COLUMNS = (
    "state",
    "reason",
    "paid_amount",
    "paid_at",
    "follow_up_at",
    "follow_up_tries",
    "updated_at",
)


def record_start(payment: Payment) -> None:
    """The first line of a payment's history."""
    PaymentEvent.objects.create(
        payment=payment, to_state=State.INITIATED, source=PaymentEvent.Source.CUSTOMER
    )


def record_move(
    payment: Payment,
    attempt: MobileMoneyTransaction,
    target: State,
    *,
    source: str,
    evidence: str = "",
    reason: str = "",
    delivery_id: int | None = None,
) -> None:
    """Move a locked payment and its attempt. Raises ValueError for a move outside the table."""
    if not may_move(attempt.status, target):
        raise ValueError(f"{attempt.status} → {target} is no move")
    PaymentEvent.objects.create(
        payment=payment,
        from_state=attempt.status,
        to_state=target,
        source=source,
        evidence=evidence[:255],
        delivery_id=delivery_id,
    )
    was_expired = attempt.status == State.EXPIRED
    attempt.status = payment.state = target
    attempt.reason = payment.reason = reason
    if target in (State.COMPLETED, State.FAILED, State.EXPIRED):
        payment.follow_up_at = timezone.now()
        payment.follow_up_tries = 0
        attempt.resend_due = False  # what has ended is not sent again, only asked about
    attempt.save(update_fields=ATTEMPT_COLUMNS)
    payment.save(update_fields=PAYMENT_COLUMNS)
    if was_expired:
        resolve_by_itself(
            kind=CaseKind.UNRESOLVED_PAYMENT,
            subject=f"payment:{payment.public_id}",
            resolution=f"the provider has answered: {target}",
        )
