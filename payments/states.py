"""The states of a payment and of its attempt, and the moves between them. Nothing else."""

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
