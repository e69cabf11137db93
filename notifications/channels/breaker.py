"""Leaves a channel alone that fails for everybody, for all processes; one try after each pause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pybreaker

from common.circuit import CircuitChanges, CircuitMemory
from common.shared_redis import SharedRedis
from notifications.channels.base import HeldBack, InDoubt, Misconfigured, Unreachable

FAILURES_MAX = 5
PAUSE_SECONDS = 30
TROUBLE = (Unreachable, InDoubt, Misconfigured)  # what says nothing of the one message


class ChannelBreaker:
    """Opens after consecutive failures that speak of the channel."""

    def __init__(self, redis: SharedRedis, name: str) -> None:
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES_MAX,
            reset_timeout=PAUSE_SECONDS,
            exclude=[lambda error: not isinstance(error, TROUBLE)],
            state_storage=CircuitMemory(redis, f"channel:{name}"),
            listeners=[CircuitChanges()],
            name=name,
            throw_new_error_on_trip=False,
        )

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Around one sending. Raises HeldBack while the channel is left alone."""
        try:
            with self._breaker.calling():
                yield
        except pybreaker.CircuitBreakerError as error:
            raise HeldBack("the channel is left alone for a moment") from error
