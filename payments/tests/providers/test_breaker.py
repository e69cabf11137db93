"""The breaker on a real Redis: what opens it, who may probe, and that losing it stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest
from redis import Redis

from common.shared_redis import SharedRedis
from payments.providers.base import Withheld
from payments.providers.breaker import FAILURES_MAX, BreakerState, SharedBreaker
from payments.providers.http import CallFailed, Exchange, GateClosed, NoAnswer, NotSent, TimedOut
from payments.tests.providers.answers import OK, exchange, sends

pytestmark = pytest.mark.redis

PAUSE = 60


@pytest.fixture
def url(shared: str) -> str:
    return shared


def a_process(url: str) -> SharedBreaker:
    """The breaker as one more process has it."""
    return SharedBreaker(SharedRedis(url), "provider", pause_seconds=PAUSE)


def fail(breaker: SharedBreaker, end: Exchange | type[CallFailed], times: int) -> None:
    for _ in range(times):
        with suppress(CallFailed):
            breaker.call(sends(end), waits_for_pin=False)


def opened(url: str) -> SharedBreaker:
    breaker = a_process(url)
    fail(breaker, NotSent, FAILURES_MAX)
    assert breaker.state == BreakerState.OPEN
    return breaker


def half_opened(url: str) -> SharedBreaker:
    """Its pause is over."""
    breaker = opened(url)
    with Redis.from_url(url) as redis:
        redis.decrby("provider:provider:pybreaker:opened_at", PAUSE + 1)
    assert breaker.state == BreakerState.HALF_OPEN
    return breaker


@contextmanager
def a_call_in_the_air(breaker: SharedBreaker) -> Iterator[None]:
    """A call that has been let through and is not answered before the block ends."""
    began, may_end = Event(), Event()

    def send() -> Exchange:
        began.set()
        may_end.wait(60)
        return OK

    thread = Thread(target=breaker.call, args=(send,), kwargs={"waits_for_pin": False})
    thread.start()
    try:
        assert began.wait(60)
        yield
    finally:
        may_end.set()
        thread.join()


@pytest.mark.parametrize(
    "end",
    [
        NotSent,
        NoAnswer,
        TimedOut,
        exchange(502, json={"message": "Bad Gateway"}),
        exchange(503, body=b"Service Unavailable"),
        exchange(500, body=b"oops"),
        exchange(200, body=b" <!DOCTYPE html><html>maintenance</html>"),
    ],
)
def test_what_speaks_of_the_providers_health_opens_it(
    url: str, end: Exchange | type[CallFailed]
) -> None:
    breaker = a_process(url)
    states = []
    for _ in range(FAILURES_MAX):
        fail(breaker, end, 1)
        states.append(breaker.state)
    assert states == [BreakerState.CLOSED] * (FAILURES_MAX - 1) + [BreakerState.OPEN]


@pytest.mark.parametrize(
    "end",
    [
        exchange(400, json={"errorCode": "400.002.02"}),
        exchange(500, json={"errorCode": "500.001.1001"}),
        exchange(401, body=b""),
        exchange(429, body=b"slow down"),
        exchange(200, body=b'<?xml version="1.0"?><COMMAND/>'),
    ],
)
def test_a_refusal_is_no_illness(url: str, end: Exchange) -> None:
    breaker = a_process(url)
    fail(breaker, end, 2 * FAILURES_MAX)
    assert breaker.state == BreakerState.CLOSED


def test_customers_who_enter_no_pin_do_not_open_it(url: str) -> None:
    breaker = a_process(url)
    for _ in range(2 * FAILURES_MAX):
        with pytest.raises(TimedOut):
            breaker.call(sends(TimedOut), waits_for_pin=True)
    assert breaker.state == BreakerState.CLOSED


def test_only_failures_in_a_row_count(url: str) -> None:
    breaker = a_process(url)
    fail(breaker, NotSent, FAILURES_MAX - 1)
    breaker.call(sends(OK), waits_for_pin=False)
    fail(breaker, NotSent, FAILURES_MAX - 1)
    assert breaker.state == BreakerState.CLOSED


def test_failures_of_all_processes_count_together_and_all_see_it_open(url: str) -> None:
    processes = [a_process(url) for _ in range(FAILURES_MAX)]
    for process in processes:
        fail(process, NotSent, 1)
    assert {process.state for process in processes} == {BreakerState.OPEN}


def test_nothing_is_sent_while_it_is_open(url: str) -> None:
    opened(url)
    with pytest.raises(GateClosed) as caught:
        a_process(url).call(sends(), waits_for_pin=False)
    assert caught.value.withheld == Withheld.OUT_OF_ORDER


def test_a_probe_that_is_answered_closes_it_for_all(url: str) -> None:
    breaker, other = half_opened(url), a_process(url)
    breaker.call(sends(OK), waits_for_pin=False)
    assert breaker.state == other.state == BreakerState.CLOSED
    fail(other, NotSent, FAILURES_MAX - 1)
    assert other.state == BreakerState.CLOSED


def test_a_probe_that_fails_opens_it_again(url: str) -> None:
    breaker = half_opened(url)
    fail(breaker, NotSent, 1)
    assert breaker.state == a_process(url).state == BreakerState.OPEN


def test_one_call_at_a_time_probes(url: str) -> None:
    breaker = half_opened(url)
    with a_call_in_the_air(breaker), pytest.raises(GateClosed) as caught:
        a_process(url).call(sends(), waits_for_pin=False)
    assert caught.value.withheld == Withheld.NOT_ITS_TURN
    assert breaker.state == BreakerState.CLOSED


def test_a_call_that_waits_for_a_pin_is_no_probe(url: str) -> None:
    breaker = half_opened(url)
    with pytest.raises(GateClosed) as caught:
        breaker.call(sends(), waits_for_pin=True)
    assert caught.value.withheld == Withheld.NOT_ITS_TURN


def test_calls_of_one_process_do_not_wait_for_one_another(url: str) -> None:
    breaker = a_process(url)
    with a_call_in_the_air(breaker):
        assert breaker.call(sends(OK), waits_for_pin=False) is OK


def test_without_redis_every_call_goes_out() -> None:
    breaker = a_process("redis://127.0.0.1:9/0")
    fail(breaker, NotSent, 2 * FAILURES_MAX)
    assert breaker.state == BreakerState.CLOSED
    assert breaker.call(sends(OK), waits_for_pin=False) is OK


def test_emptying_redis_closes_it(url: str) -> None:
    breaker = opened(url)
    with Redis.from_url(url) as redis:
        redis.flushdb()
    assert breaker.call(sends(OK), waits_for_pin=False) is OK
