"""What a provider's word that a completed payment was reversed means for us."""

from __future__ import annotations

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.queue import hurry_on_commit
from notifications.services import queue_message
from payments import hooks, ledger
from payments.models import (
    Disposition,
    MobileMoneyTransaction,
    Payment,
    Transfer,
    TransferEvent,
)
from payments.services.give_back import reject
from payments.states import TransferState


def take_back(payment: Payment, attempt: MobileMoneyTransaction, evidence: str) -> bool:
    """Book a reversal of a locked, completed payment; returns whether anything changed.

    While a reversal that we asked for is under way or done, the news is of that one, which settles
    itself. Else the provider has acted alone: a refund that has not been sent yet is not sent any
    more, the money is gone from where it lies, what it bought ends, and staff look into it.
    """
    if payment.reversed_at is not None:
        return False
    ours = Transfer.objects.filter(payment=payment, method=Transfer.Method.REVERSAL)
    if ours.filter(state=TransferState.SUCCEEDED).exists():
        return False
    if under_way := ours.filter(state=TransferState.PENDING).first():
        from payments.tasks import check_transfer

        hurry_on_commit(check_transfer, under_way.pk)
        return False
    was_served = payment.disposition == Disposition.FULFILLED
    was_open = payment.disposition == Disposition.OPEN
    payment.reversed_at = timezone.now()
    payment.follow_up_at = None
    _stop_refund(payment)
    _book(payment, attempt)
    if was_open:
        payment.disposition = Disposition.REFUNDED
    payment.save()
    if was_served:
        hooks.withdrawn.notify(payment)
    elif was_open:
        hooks.given_up.notify(payment)
    open_case(
        kind=CaseKind.REVERSED,
        subject=f"payment:{payment.public_id}",
        amount=payment.paid_amount or 0,
        detail=evidence,
    )
    queue_message(
        message_id="payment_reversed",
        to=payment.payer.phone or attempt.customer_phone,
        language=payment.payer.language,
        context={"amount": payment.paid_amount or 0},
        key=f"payment_reversed:{payment.public_id}",
    )
    return True


def _stop_refund(payment: Payment) -> None:
    """What the provider has given back must not go out a second time."""
    unsent = (TransferState.REQUESTED, TransferState.QUEUED)
    waiting = Transfer.objects.select_for_update().filter(payment=payment, state__in=unsent).first()
    if waiting is not None:
        waiting.payment = payment
        reject(
            waiting,
            source=TransferEvent.Source.RULE,
            why="the provider has reversed the payment by itself",
        )


def _book(payment: Payment, attempt: MobileMoneyTransaction) -> None:
    """The whole collection leaves; what was sent back before is then the platform's loss.

    What the payer's credit had paid besides is credit again.
    """
    paid = payment.paid_amount or 0
    lies = ledger.lies_on(payment)
    more = sum(lies.values()) - paid
    credit = ledger.credit_account(payment.payer_id)
    ledger.post(
        source=f"reversal:{attempt.reference}",
        memo="reversed by the provider",
        payment=payment,
        lines=[
            *lies.items(),
            (credit, -max(more, 0)),
            (ledger.REVENUE, max(-more, 0)),
            (ledger.collection_account(attempt.provider), -paid),
        ],
    )
