"""The parts of a circuit breaker that all processes share through Redis."""

from __future__ import annotations

import logging
from contextlib import suppress

import pybreaker
from redis.exceptions import RedisError

from common.shared_redis import SharedRedis

logger = logging.getLogger(__name__)


class CircuitMemory(pybreaker.CircuitRedisStorage):
    """Its state in Redis; without Redis the circuit is closed, so that every call goes out."""

    def __init__(self, redis: SharedRedis, namespace: str) -> None:
        super().__init__(
            pybreaker.STATE_CLOSED,
            redis,
            namespace=namespace,
            fallback_circuit_state=pybreaker.STATE_CLOSED,
        )

    def _initialize_redis_state(self, state: str) -> None:
        with suppress(RedisError):  # as its other methods do
            super()._initialize_redis_state(state)


class CircuitChanges(pybreaker.CircuitBreakerListener):
    """Tells the log."""

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        logger.warning("the breaker of %s is %s", cb.name, new_state.name)
