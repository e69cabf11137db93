"""What all calls to one provider pass: its breaker, its turns, and a look at its clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

from redis.exceptions import RedisError

from common.shared_redis import SharedRedis
from payments.providers.breaker import PAUSE_SECONDS, BreakerState, SharedBreaker
from payments.providers.http import Exchange
from payments.providers.rate import Turns
from payments.providers.wire import header

logger = logging.getLogger(__name__)

SKEW_SECONDS_MAX = 60
COMPARE_EVERY_SECONDS = 60
SKEW_KEPT_SECONDS = 86_400


class SharedGate:
    """A `Gate` that all processes share through Redis. Thread-safe."""

    def __init__(
        self,
        redis: SharedRedis,
        name: str,
        *,
        per_second: int,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._redis = redis
        self._name = name
        self._breaker = SharedBreaker(redis, name, pause_seconds=pause_seconds)
        self._turns = Turns(redis, name, per_second=per_second)
        self._compare_from = 0.0

    @property
    def state(self) -> BreakerState:
        return self._breaker.state

    @property
    def clock_skew(self) -> float | None:
        """Seconds by which the provider's clock was before ours a while ago; None if never seen."""
        try:
            value = self._redis.get(self._skew_key)
        except RedisError:
            return None
        return float(value) if isinstance(value, bytes) else None

    def call(self, send: Callable[[], Exchange], *, waits_for_pin: bool) -> Exchange:
        """Make one call. Raises GateClosed, at once where the provider answers nobody."""
        self._breaker.refuse_while_open()
        self._turns.take()
        exchange = self._breaker.call(send, waits_for_pin=waits_for_pin)
        self._turns.heed(exchange)
        self._compare_clocks(exchange)
        return exchange

    def _compare_clocks(self, exchange: Exchange) -> None:
        """Nothing is decided by a provider's clock; one that is wrong may refuse our timestamps."""
        if monotonic() < self._compare_from:
            return
        try:
            theirs = parsedate_to_datetime(header(exchange.headers, "Date"))
            skew = (theirs - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return
        self._compare_from = monotonic() + COMPARE_EVERY_SECONDS
        if abs(skew) > SKEW_SECONDS_MAX:
            logger.warning("the clock of %s and ours differ by %.0f s", self._name, skew)
        try:
            self._redis.set(self._skew_key, skew, ex=SKEW_KEPT_SECONDS)
        except RedisError:
            return

    @property
    def _skew_key(self) -> str:
        return f"provider-clock:{self._name}"
