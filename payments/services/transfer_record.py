"""Writes a transfer's state with the history of the move."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from payments.models import Transfer, TransferEvent
from payments.states import OPEN_TRANSFERS, TransferState, may_transfer_move


def record_transfer_start(transfer: Transfer, *, source: str, by: User | None) -> None:
    """The first line of a transfer's history."""
    TransferEvent.objects.create(
        transfer=transfer, to_state=transfer.state, source=source, evidence=transfer.why, by=by
    )


def record_transfer_move(
    transfer: Transfer,
    target: TransferState,
    *,
    source: str,
    evidence: str = "",
    reason: str = "",
    by: User | None = None,
) -> None:
    """Move a locked transfer. Raises ValueError for a move outside the table."""
    if not may_transfer_move(transfer.state, target):
        raise ValueError(f"{transfer.state} → {target} is no move")
    TransferEvent.objects.create(
        transfer=transfer,
        from_state=transfer.state,
        to_state=target,
        source=source,
        evidence=evidence[:255],
        by=by,
    )
    transfer.state = target
    transfer.reason = reason
    if target not in OPEN_TRANSFERS:
        transfer.finished_at = timezone.now()
        transfer.next_check_at = None
    transfer.save()
