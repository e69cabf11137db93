"""How fast we call one provider, all processes together, and when it asked us to come again."""

from __future__ import annotations

import random
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import monotonic, sleep

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from common.shared_redis import SharedRedis
from payments.providers.base import Withheld
from payments.providers.http import Exchange, GateClosed
from payments.providers.wire import header

WAIT_SECONDS_MAX = 3
LOOK_AGAIN_SECONDS = (0.02, 0.1)
PAUSE_SECONDS_MAX = 60
PAUSE_SECONDS_DEFAULT = 5  # where a Retry-After cannot be read
PAUSING_STATUSES = frozenset({429, 503})


class Turns:
    """A provider's turns: at most `per_second` in any second, 0 for no limit. Thread-safe.

    Without Redis each process keeps to the limit on its own.
    """

    def __init__(
        self,
        redis: SharedRedis,
        name: str,
        *,
        per_second: int,
        now: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._redis = redis
        self._name = name
        self._limit = RateLimitItemPerSecond(per_second) if per_second else None
        self._shared = MovingWindowRateLimiter(
            RedisStorage("redis://", connection_pool=redis.connection_pool)
        )
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._own_pause_until = 0.0
        self._now = now
        self._wait = wait

    def take(self) -> None:
        """Wait for a turn, a few seconds at most. Raises GateClosed."""
        deadline = self._now() + WAIT_SECONDS_MAX
        while (seconds := self._until_next()) > 0:
            if self._now() + seconds > deadline:
                raise GateClosed(
                    "the provider is called as often as it may be", Withheld.NOT_ITS_TURN
                )
            self._wait(seconds)

    def heed(self, exchange: Exchange) -> None:
        """Remember when the provider wants to be called again, for all processes."""
        asked = header(exchange.headers, "Retry-After").strip()
        if exchange.status not in PAUSING_STATUSES or not asked:
            return
        seconds = min(_seconds(asked, header(exchange.headers, "Date")), PAUSE_SECONDS_MAX)
        self._own_pause_until = self._now() + seconds
        try:
            self._redis.set(self._pause_key, 1, px=int(seconds * 1000) or 1)
        except RedisError:
            return  # this process keeps to it

    @property
    def _pause_key(self) -> str:
        return f"provider-pause:{self._name}"

    def _until_next(self) -> float:
        """Seconds until a turn can be had or tried for; 0 when one was taken."""
        try:
            pause = max(int(self._redis.pttl(self._pause_key)), 0) / 1000
            if pause or self._is_taken(self._shared):
                return pause
        except RedisError:
            pause = max(self._own_pause_until - self._now(), 0)
            if pause or self._is_taken(self._own):
                return pause
        return random.uniform(*LOOK_AGAIN_SECONDS)  # noqa: S311 - no secret

    def _is_taken(self, turns: MovingWindowRateLimiter) -> bool:
        return self._limit is None or turns.hit(self._limit, self._name)


def _seconds(retry_after: str, date: str) -> float:
    """From a number of seconds, or from a time by the provider's clock, which is not ours."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        wait = parsedate_to_datetime(retry_after) - parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return PAUSE_SECONDS_DEFAULT
    return max(wait.total_seconds(), 0)
