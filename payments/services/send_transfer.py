"""Asks the provider to send money: claimed once, posted once, whatever is repeated."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common import phone as phones
from common.transactions import retried
from payments import ledger
from payments.models import ProviderCall, Transfer, TransferEvent
from payments.polling import next_check
from payments.providers import registry
from payments.providers.base import Answer, Disbursement, Outcome, Refund
from payments.selectors import latest_attempt, switch_of, transfer_for_update
from payments.services.calls import finish_call
from payments.services.settle_transfer import settle_transfer
from payments.services.transfer_record import record_transfer_move
from payments.states import TransferState

DESCRIPTION = "Konektika"
RESEND_AFTER = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
)
LOOK_AGAIN = timedelta(minutes=1)


def send_transfer(*, transfer_id: int) -> None:
    """Send one transfer's request, if nobody has; safe to repeat and to run twice at once.

    The claim is committed before the provider is called: whoever finds it claimed never posts it.
    Only an answer that proves that nothing was processed frees it, for the same reference again.
    """
    call = _claim(transfer_id)
    if call is None or call.transfer is None:
        return
    answer = _ask(call.transfer)
    finish_call(call, answer)
    if answer.outcome == Outcome.NOT_SENT:
        _put_back(transfer_id, answer)
        return
    settle_transfer(
        transfer_id=transfer_id,
        answer=answer,
        source=TransferEvent.Source.ANSWER,
        evidence=f"answer to our request: {answer.code} {answer.message}".strip(),
    )


@retried
def _claim(transfer_id: int) -> ProviderCall | None:
    transfer = transfer_for_update(transfer_id)
    now = timezone.now()
    if transfer.state != TransferState.QUEUED:
        return None
    switch = switch_of(transfer.provider)
    if (switch and not switch.sends_money) or not _has_float(transfer):
        transfer.next_check_at = now + LOOK_AGAIN
        transfer.save(update_fields=["next_check_at", "updated_at"])
        return None
    transfer.posted_at = transfer.posted_at or now
    transfer.sends += 1
    transfer.outcome = ""
    transfer.next_check_at = _next_check(transfer)
    record_transfer_move(
        transfer,
        TransferState.PENDING,
        source=TransferEvent.Source.WORKER,
        evidence=f"{transfer.get_provider_display()} is being asked",
    )
    return ProviderCall.objects.create(transfer=transfer, kind=ProviderCall.Kind.SEND)


def _ask(transfer: Transfer) -> Answer:
    provider = registry.by_dialect(transfer.dialect)
    request = {
        "reference": transfer.reference,
        "amount": transfer.amount,
        "msisdn": phones.msisdn(transfer.phone),
        "description": DESCRIPTION,
        "callback_token": transfer.callback_token,
        "sent_before": transfer.sends > 1,
    }
    if transfer.method == Transfer.Method.DISBURSEMENT:
        return provider.disburse(Disbursement(**request))
    collection = latest_attempt(transfer.payment) if transfer.payment else None
    if collection is None:
        return Answer(outcome=Outcome.NOT_SENT, message="there is no collection to take back")
    return provider.refund(
        Refund(
            receipt=collection.provider_transaction_id or "",
            collection_reference=collection.reference,
            **request,
        )
    )


def _has_float(transfer: Transfer) -> bool:
    """Whether what we know of the provider's account covers it; what we do not know forbids nothing.

    The provider itself refuses what is not there: this keeps staff ahead of that.
    """
    subject = f"float:{transfer.provider}:{transfer.method}"
    missing = transfer.amount - _known_float(transfer)
    if missing <= 0:
        resolve_by_itself(
            kind=CaseKind.FLOAT_TOO_LOW, subject=subject, resolution="there is enough again"
        )
        return True
    open_case(
        kind=CaseKind.FLOAT_TOO_LOW,
        subject=subject,
        amount=missing,
        detail=f"transfer {transfer.reference} waits; {missing:,} TZS are missing",
    )
    return False


def _known_float(transfer: Transfer) -> int:
    is_reversal = transfer.method == Transfer.Method.REVERSAL
    account = (
        ledger.collection_account(transfer.provider)
        if is_reversal
        else ledger.disbursement_account(transfer.provider)
    )
    if not is_reversal and not ledger.is_kept(account):
        return transfer.amount  # nobody keeps the float in our books
    under_way = Transfer.objects.filter(
        provider=transfer.provider, method=transfer.method, state=TransferState.PENDING
    ).aggregate(total=Sum("amount"))["total"]
    return ledger.balance(account) - (under_way or 0)


def _next_check(transfer: Transfer) -> datetime | None:
    description = registry.by_dialect(transfer.dialect).description
    now = timezone.now()
    return next_check(
        posted_at=now, now=now, first_query_seconds=description.first_transfer_query_seconds
    )


@retried
def _put_back(transfer_id: int, answer: Answer) -> None:
    """Nothing was processed: it waits in the queue for longer and longer, and then for a person too."""
    transfer = transfer_for_update(transfer_id)
    if transfer.state != TransferState.PENDING:
        return
    if answer.withheld is not None:  # it was not even tried
        transfer.sends -= 1
    is_often = transfer.sends > len(RESEND_AFTER)
    wait = RESEND_AFTER[min(max(transfer.sends, 1), len(RESEND_AFTER)) - 1]
    transfer.provider_status = answer.code[:50]
    transfer.outcome = answer.outcome
    transfer.posted_at = None  # it was not: asking is planned from the time that it is
    transfer.next_check_at = timezone.now() + wait
    record_transfer_move(
        transfer,
        TransferState.QUEUED,
        source=TransferEvent.Source.ANSWER,
        evidence=f"not processed: {answer.code} {answer.message}".strip(),
    )
    if is_often:
        open_case(
            kind=CaseKind.TRANSFER_FAILED,
            subject=f"transfer:{transfer.reference}",
            amount=transfer.amount,
            detail=f"could not be sent {transfer.sends} times: {answer.message}; still trying",
        )
