"""One provider's circuit breaker, shared by all processes through Redis.

A provider that answers nobody is left alone for a while; then one call at a time tries it again.
Without Redis every call goes out: a breaker that is lost must never stop payments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pybreaker
from redis.exceptions import RedisError

from common.circuit import CircuitChanges, CircuitMemory
from common.shared_redis import SharedRedis
from payments.providers.base import Withheld
from payments.providers.http import CallFailed, Exchange, GateClosed, TimedOut

FAILURES_MAX = 5
PAUSE_SECONDS = 30
PROBE_SECONDS_MAX = 75  # longer than one call that waits for no PIN can take
GATEWAY_FAILURES = frozenset({502, 503, 504})


class BreakerState(StrEnum):
    CLOSED = pybreaker.STATE_CLOSED
    OPEN = pybreaker.STATE_OPEN
    HALF_OPEN = pybreaker.STATE_HALF_OPEN  # the pause is over; one call may try


class _OutOfOrder(Exception):
    """What the breaker counts: a call that ended as only a provider in trouble ends it."""


class SharedBreaker:
    """Opens after consecutive failures that speak of the provider's health."""

    def __init__(
        self, redis: SharedRedis, name: str, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._redis = redis
        self._pause = timedelta(seconds=pause_seconds)
        self._probe_key = f"provider-probe:{name}"
        self._memory = CircuitMemory(redis, f"provider:{name}")
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES_MAX,
            reset_timeout=pause_seconds,
            state_storage=self._memory,
            listeners=[CircuitChanges()],
            name=name,
            throw_new_error_on_trip=False,
        )

    @property
    def state(self) -> BreakerState:
        state = BreakerState(self._memory.state)
        if state != BreakerState.OPEN:
            return state
        opened_at = self._memory.opened_at
        is_paused = opened_at is not None and datetime.now(UTC) < opened_at + self._pause
        return BreakerState.OPEN if is_paused else BreakerState.HALF_OPEN

    def refuse_while_open(self) -> BreakerState:
        """The state, which is not OPEN. Raises GateClosed."""
        state = self.state
        if state == BreakerState.OPEN:
            raise _closed(Withheld.OUT_OF_ORDER)
        return state

    def call(self, send: Callable[[], Exchange], *, waits_for_pin: bool) -> Exchange:
        """Make the call, if the provider may be called now. Raises GateClosed, or what `send` raises.

        A call that waits for a customer's PIN is no probe: it would tell too late.
        """
        state = self.refuse_while_open()
        if state == BreakerState.CLOSED:
            return self._counted(send, waits_for_pin)
        if waits_for_pin:
            raise _closed(Withheld.NOT_ITS_TURN)
        with self._probing():
            return self._counted(send, waits_for_pin)

    def _counted(self, send: Callable[[], Exchange], waits_for_pin: bool) -> Exchange:
        ended: Exchange | CallFailed | None = None
        try:
            # Not `breaker.call`, which lets a process make one call at a time.
            with suppress(_OutOfOrder), self._breaker.calling():
                ended = _ended(send)
                if _is_out_of_order(ended, waits_for_pin):
                    raise _OutOfOrder
        except pybreaker.CircuitBreakerError as error:
            raise _closed(Withheld.OUT_OF_ORDER) from error
        if isinstance(ended, Exchange):
            return ended
        assert ended is not None  # noqa: S101 - the block above ran or raised
        raise ended

    @contextmanager
    def _probing(self) -> Iterator[None]:
        """Be the one that tries; the others come again in a moment."""
        try:
            is_ours = self._redis.set(self._probe_key, 1, nx=True, ex=PROBE_SECONDS_MAX)
        except RedisError:
            is_ours = True
        if not is_ours:
            raise _closed(Withheld.NOT_ITS_TURN)
        try:
            yield
        finally:
            with suppress(RedisError):
                self._redis.delete(self._probe_key)


def _closed(withheld: Withheld) -> GateClosed:
    sentences = {
        Withheld.OUT_OF_ORDER: "the provider answers nobody at the moment",
        Withheld.NOT_ITS_TURN: "the provider is being tried by another call",
    }
    return GateClosed(sentences[withheld], withheld)


def _ended(send: Callable[[], Exchange]) -> Exchange | CallFailed:
    try:
        return send()
    except CallFailed as failure:
        return failure


def _is_out_of_order(ended: Exchange | CallFailed, waits_for_pin: bool) -> bool:
    """Whether the call ended in a way that says nothing of the payment, but of the provider.

    A refusal in JSON is the provider's own word, also under status 500 (M-Pesa fact sheet, 2.2); who
    does not enter a PIN is no trouble of the provider's.
    """
    if isinstance(ended, CallFailed):
        return not (waits_for_pin and isinstance(ended, TimedOut))
    if ended.status in GATEWAY_FAILURES:
        return True
    return ended.json is None and (ended.status >= 500 or _is_page(ended))


def _is_page(exchange: Exchange) -> bool:
    start = exchange.body.lstrip()[:9].lower()
    return start.startswith((b"<html", b"<!doctype"))
