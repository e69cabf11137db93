"""The states of payments, of their attempts and of transfers, and the moves between them."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    INITIATED = "initiated", "Initiated"
    PENDING = "pending", "Pending"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


LIVE = (State.INITIATED, State.PENDING)

MOVES: dict[State, frozenset[State]] = {
    State.INITIATED: frozenset({State.PENDING, State.COMPLETED, State.FAILED, State.EXPIRED}),
    State.PENDING: frozenset({State.COMPLETED, State.FAILED, State.EXPIRED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset({State.COMPLETED}),
    State.EXPIRED: frozenset({State.COMPLETED, State.FAILED}),
}


def may_move(current: str, target: str) -> bool:
    """Whether the table allows the move. `initiated` completes only where no provider is asked."""
    return State(target) in MOVES[State(current)]


class TransferState(models.TextChoices):
    """`pending` means that the provider was or may have been asked, and nothing final is known."""

    REQUESTED = "requested", "Waits for a second person"
    QUEUED = "queued", "To be sent"
    PENDING = "pending", "Sent, not confirmed"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Rejected"


OPEN_TRANSFERS = (TransferState.REQUESTED, TransferState.QUEUED, TransferState.PENDING)

TRANSFER_MOVES: dict[TransferState, frozenset[TransferState]] = {
    TransferState.REQUESTED: frozenset({TransferState.QUEUED, TransferState.REJECTED}),
    # It succeeds from here when a provider sent what it had said not to have processed.
    TransferState.QUEUED: frozenset(
        {TransferState.PENDING, TransferState.REJECTED, TransferState.SUCCEEDED}
    ),
    # Back to queued only on proof that the provider did not process the request.
    TransferState.PENDING: frozenset(
        {TransferState.QUEUED, TransferState.SUCCEEDED, TransferState.FAILED}
    ),
    TransferState.SUCCEEDED: frozenset(),
    TransferState.FAILED: frozenset(),
    TransferState.REJECTED: frozenset(),
}


def may_transfer_move(current: str, target: str) -> bool:
    return TransferState(target) in TRANSFER_MOVES[TransferState(current)]
