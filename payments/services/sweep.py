"""Finds rows whose next step is due and queues it. Rows carry the work; messages only hurry it.

Each row is claimed by compare-and-set before its message is sent, so that sweeps may overlap; a
message that is lost costs the length of the claim.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from common.queue import hurry
from common.transactions import retried
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    ReceiptClaim,
    Transfer,
    WebhookDelivery,
)
from payments.selectors import (
    due_attempts,
    due_claims,
    due_deliveries,
    due_follow_ups,
    due_transfers,
)
from payments.services.query import ASKING_LEASE
from payments.states import State, TransferState

BATCH = 200
QUICK_LEASE = timedelta(seconds=5)


def sweep_attempts() -> int:
    """Queue the prompt or the status query of every attempt that is due. Returns how many."""
    from payments.tasks import check, push

    queued = 0
    for attempt in due_attempts(timezone.now(), BATCH):
        is_push = attempt.status == State.INITIATED or attempt.resend_due
        lease = QUICK_LEASE if is_push else ASKING_LEASE
        if _claim(
            MobileMoneyTransaction, attempt.pk, "next_check_at", attempt.next_check_at, lease
        ):
            hurry(push if is_push else check, attempt.pk)
            queued += 1
    return queued


def sweep_deliveries() -> int:
    """Queue every stored delivery that is not processed. Returns how many."""
    from payments.tasks import apply_deliveries

    queued = 0
    for delivery in due_deliveries(timezone.now(), BATCH):
        if _claim(WebhookDelivery, delivery.pk, "next_try_at", delivery.next_try_at, QUICK_LEASE):
            hurry(apply_deliveries, [delivery.pk])
            queued += 1
    return queued


def sweep_follow_ups() -> int:
    """Queue every payment whose final state has not been acted on. Returns how many."""
    from payments.tasks import follow_up

    queued = 0
    for payment in due_follow_ups(timezone.now(), BATCH):
        if _claim(Payment, payment.pk, "follow_up_at", payment.follow_up_at, QUICK_LEASE):
            hurry(follow_up, payment.pk)
            queued += 1
    return queued


def sweep_transfers() -> int:
    """Queue the sending or the status query of every transfer that is due. Returns how many."""
    from payments.tasks import check_transfer, send_transfer

    queued = 0
    for transfer in due_transfers(timezone.now(), BATCH):
        is_sending = transfer.state == TransferState.QUEUED
        lease = QUICK_LEASE if is_sending else ASKING_LEASE
        if _claim(Transfer, transfer.pk, "next_check_at", transfer.next_check_at, lease):
            hurry(send_transfer if is_sending else check_transfer, transfer.pk)
            queued += 1
    return queued


def sweep_claims() -> int:
    """Queue another look for every named receipt that is not found. Returns how many."""
    from payments.tasks import look_for_receipt

    queued = 0
    for claim in due_claims(timezone.now(), BATCH):
        if _claim(ReceiptClaim, claim.pk, "next_look_at", claim.next_look_at, ASKING_LEASE):
            hurry(look_for_receipt, claim.pk)
            queued += 1
    return queued


@retried
def _claim(
    model: type[models.Model], key: int, column: str, due: datetime | None, lease: timedelta
) -> bool:
    rows = model._default_manager.filter(pk=key, **{column: due})
    return rows.update(**{column: timezone.now() + lease}) == 1
