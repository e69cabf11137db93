"""What a provider's word that a completed payment was reversed means for us."""

from __future__ import annotations

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from notifications.services import queue_message
from payments import hooks, ledger
from payments.models import (
    Disposition,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Transfer,
    TransferEvent,
)
from payments.providers.base import Answer
from payments.services.give_back import reject
from payments.services.settle_transfer import settle_locked_transfer
from payments.states import TransferState


def take_back(
    payment: Payment, attempt: MobileMoneyTransaction, answer: Answer, source: str, evidence: str
) -> bool:
    """Book a reversal of a locked, completed payment; returns whether anything changed.

    While a reversal that we asked for is under way or done, the news is of that one, and settles it;
    where that is of a part only, staff look whether the rest is gone too. Else the provider has acted
    alone: a refund that has not been sent yet is not sent any more, the money is gone from where it
    lies, what it bought ends, and staff look into it.
    """
    if payment.reversed_at is not None:
        return False
    reversals = Transfer.objects.select_for_update().filter(
        payment=payment,
        method=Transfer.Method.REVERSAL,
        state__in=(TransferState.PENDING, TransferState.SUCCEEDED),
    )
    if ours := list(reversals):
        _question_the_rest(payment, sum(each.amount for each in ours), evidence)
        pending = [each for each in ours if each.state == TransferState.PENDING]
        return any(_settle_ours(each, answer, source, evidence) for each in pending)
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


def _question_the_rest(payment: Payment, asked_back: int, evidence: str) -> None:
    """A provider may call a payment reversed of which a part was: its word does not tell how much."""
    rest = (payment.paid_amount or 0) - asked_back
    if rest > 0:
        open_case(
            kind=CaseKind.REVERSED,
            subject=f"payment:{payment.public_id}",
            amount=rest,
            detail=f"we had asked for {asked_back} TZS of it back; is the rest gone too? {evidence}",
        )


def _settle_ours(transfer: Transfer, answer: Answer, source: str, evidence: str) -> bool:
    """The receipt, amount and handle in the news are the collection's, not the reversal's."""
    is_pushed = source == PaymentEvent.Source.WEBHOOK
    return settle_locked_transfer(
        transfer,
        Answer(outcome=answer.outcome, code=answer.code, message=answer.message),
        TransferEvent.Source.WEBHOOK if is_pushed else TransferEvent.Source.QUERY,
        evidence,
    )


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
