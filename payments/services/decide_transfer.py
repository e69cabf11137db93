"""The second pair of eyes: approves or rejects a transfer that waits, and settles one by hand."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone

from accounts.models import User
from common.transactions import retried
from payments.errors import NotDecidable
from payments.models import Transfer, TransferEvent
from payments.providers.base import Answer, Outcome, Reason
from payments.selectors import transfer_for_update
from payments.services.give_back import reject
from payments.services.open_transfer import HURRY_LOST_AFTER, hurry_transfer
from payments.services.settle_transfer import settle_transfer
from payments.services.transfer_record import record_transfer_move
from payments.states import TransferState


@retried
def approve_transfer(*, transfer_id: int, by: User, why: str) -> Transfer:
    """Let a waiting transfer be sent. Raises NotDecidable, also for whoever asked for it or gets it."""
    transfer = _undecided(transfer_id, by, {TransferState.REQUESTED})
    transfer.decided_by = by
    transfer.next_check_at = timezone.now() + HURRY_LOST_AFTER
    record_transfer_move(
        transfer,
        TransferState.QUEUED,
        source=TransferEvent.Source.STAFF,
        evidence=why,
        by=by,
    )
    hurry_transfer(transfer)
    return transfer


@retried
def reject_transfer(*, transfer_id: int, by: User, why: str) -> Transfer:
    """Refuse a transfer that has not been sent; its money goes back to where it came from.

    Who was to get all of it back has neither the money nor the service then: staff get a case.
    """
    transfer = _undecided(transfer_id, by, {TransferState.REQUESTED, TransferState.QUEUED})
    transfer.decided_by = by
    reject(transfer, source=TransferEvent.Source.STAFF, why=why, by=by)
    return transfer


def resolve_transfer(*, transfer_id: int, was_sent: bool, receipt: str, by: User, why: str) -> bool:
    """Settle a transfer of which the provider told nothing final, by its statement.

    Returns whether anything changed. Raises NotDecidable for a transfer that is not pending, and for
    whoever asked for it or gets it.
    """
    transfer = Transfer.objects.get(pk=transfer_id)
    if transfer.state != TransferState.PENDING:
        raise NotDecidable("Only a transfer that was sent and not confirmed can be resolved.")
    _refuse_own(transfer, by)
    return settle_transfer(
        transfer_id=transfer_id,
        answer=Answer(
            outcome=Outcome.SUCCEEDED if was_sent else Outcome.FAILED,
            reason=None if was_sent else Reason.DECLINED,
            receipt=receipt,
            message=why,
        ),
        source=TransferEvent.Source.STAFF,
        evidence=why,
        by=by,
    )


def _undecided(transfer_id: int, by: User, states: Collection[TransferState]) -> Transfer:
    transfer = transfer_for_update(transfer_id)
    if transfer.state not in states:
        raise NotDecidable("This transfer does not wait for a decision any more.")
    _refuse_own(transfer, by)
    return transfer


def _refuse_own(transfer: Transfer, by: User) -> None:
    if transfer.requested_by_id == by.pk:
        raise NotDecidable("Somebody else has to decide: you have asked for this transfer.")
    if transfer.payee_id == by.pk:
        raise NotDecidable("Somebody else has to decide: this money goes to you.")
