"""Asks a provider what became of money that we sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.transactions import retried
from payments.models import ProviderCall, Transfer, TransferEvent
from payments.polling import next_check
from payments.providers import registry
from payments.providers.base import Answer, Outcome, TransferQuestion
from payments.selectors import latest_attempt, transfer_for_update
from payments.services.calls import finish_call
from payments.services.settle_transfer import settle_transfer
from payments.states import TransferState

CALLBACK_GRACE = timedelta(minutes=15)  # for a result that cannot be asked for


def check_transfer(*, transfer_id: int) -> None:
    """Ask about a transfer that is not confirmed, where the provider can be asked; safe to repeat.

    It never fails by itself: "not found" proves nothing about money that went out. What stays open is
    asked about by plan, and then given to staff.
    """
    transfer = Transfer.objects.select_related("payment").get(pk=transfer_id)
    if transfer.state != TransferState.PENDING:
        return
    if can_ask_about(transfer):
        answer = _ask(transfer)
        settle_transfer(
            transfer_id=transfer_id,
            answer=answer,
            source=TransferEvent.Source.QUERY,
            evidence=f"status query: {answer.code} {answer.message}".strip(),
        )
    _plan_next(transfer_id)


def can_ask_now(transfer: Transfer, now: datetime) -> bool:
    """Whether the provider can tell anything about this transfer at this time."""
    if transfer.state != TransferState.PENDING or transfer.posted_at is None:
        return False
    description = registry.by_dialect(transfer.dialect).description
    wait = timedelta(seconds=description.first_transfer_query_seconds)
    return can_ask_about(transfer) and now >= transfer.posted_at + wait


def can_ask_about(transfer: Transfer) -> bool:
    """Whether the provider has a question for this kind of transfer."""
    description = registry.by_dialect(transfer.dialect).description
    if transfer.method == Transfer.Method.REVERSAL:
        return description.can_query_reversal
    return description.can_query_disbursement


def _ask(transfer: Transfer) -> Answer:
    call = ProviderCall.objects.create(transfer=transfer, kind=ProviderCall.Kind.QUERY_TRANSFER)
    is_reversal = transfer.method == Transfer.Method.REVERSAL
    collection = latest_attempt(transfer.payment) if is_reversal and transfer.payment else None
    answer = registry.by_dialect(transfer.dialect).query_disbursement(
        TransferQuestion(
            reference=transfer.reference,
            provider_reference=transfer.provider_reference or "",
            is_reversal=is_reversal,
            receipt=(collection.provider_transaction_id or "") if collection else "",
            collection_reference=collection.reference if collection else "",
            callback_token=transfer.callback_token,
        )
    )
    finish_call(call, answer)
    return answer


@retried
def _plan_next(transfer_id: int) -> None:
    transfer = transfer_for_update(transfer_id)
    if transfer.state != TransferState.PENDING:
        return
    now = timezone.now()
    posted_at = transfer.posted_at or transfer.created_at
    transfer.checks += 1
    transfer.next_check_at = _next_check(transfer)
    transfer.save(update_fields=["checks", "next_check_at", "updated_at"])
    is_waited_for = transfer.outcome == Outcome.PENDING and now - posted_at < CALLBACK_GRACE
    if transfer.next_check_at is None or not (can_ask_about(transfer) or is_waited_for):
        open_case(
            kind=CaseKind.UNRESOLVED_TRANSFER,
            subject=f"transfer:{transfer.reference}",
            amount=transfer.amount,
            detail="the provider has told nothing final, and cannot be asked (any more): "
            "compare its statement, and resolve the transfer by it",
        )


def _next_check(transfer: Transfer) -> datetime | None:
    description = registry.by_dialect(transfer.dialect).description
    now = timezone.now()
    return next_check(
        posted_at=transfer.posted_at or transfer.created_at,
        now=now,
        first_query_seconds=description.first_transfer_query_seconds,
    )
