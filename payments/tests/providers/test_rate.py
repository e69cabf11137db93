"""Turns at a provider: its rate, its Retry-After, shared where Redis is and kept where it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic, sleep

import pytest

from common.shared_redis import SharedRedis
from payments.providers.base import Withheld
from payments.providers.http import GateClosed
from payments.providers.rate import PAUSE_SECONDS_MAX, Turns
from payments.tests.providers.answers import exchange

NOWHERE = "redis://127.0.0.1:9/0"
AT_ONE_A_SECOND = 11  # what twelve turns would take


def a_process(url: str, per_second: int = 0, wait: Callable[[float], None] = sleep) -> Turns:
    return Turns(SharedRedis(url), "provider", per_second=per_second, wait=wait)


def never(seconds: float) -> None:
    pytest.fail(f"it waits {seconds} s")


def seconds_for(turns: Turns, number: int) -> float:
    began = monotonic()
    for _ in range(number):
        turns.take()
    return monotonic() - began


@pytest.mark.redis
def test_all_processes_together_keep_to_the_rate(shared: str) -> None:
    one, other = a_process(shared, per_second=10), a_process(shared, per_second=10)
    began = monotonic()
    for turns in [one, other] * 6:
        turns.take()
    assert 0.9 < monotonic() - began < AT_ONE_A_SECOND


def test_without_redis_each_process_keeps_to_it() -> None:
    assert 0.9 < seconds_for(a_process(NOWHERE, per_second=10), 12) < AT_ONE_A_SECOND


def test_no_limit_is_no_wait() -> None:
    turns = a_process(NOWHERE, wait=never)
    for _ in range(200):
        turns.take()


def test_who_would_wait_too_long_is_sent_away() -> None:
    now = [0.0]
    turns = Turns(
        SharedRedis(NOWHERE),
        "provider",
        per_second=1,
        now=lambda: now[0],
        wait=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    turns.take()
    with pytest.raises(GateClosed) as caught:
        turns.take()
    assert caught.value.withheld == Withheld.NOT_ITS_TURN
    assert 2.5 < now[0] <= 3


@pytest.mark.redis
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded_by_all_processes_at_once(shared: str, status: int) -> None:
    a_process(shared).heed(exchange(status, headers={"retry-after": "30"}))
    with pytest.raises(GateClosed):
        a_process(shared, wait=never).take()


@pytest.mark.redis
def test_a_short_retry_after_is_waited_for(shared: str) -> None:
    turns, began = a_process(shared), monotonic()
    turns.heed(exchange(429, headers={"Retry-After": "1"}))
    turns.take()
    assert monotonic() - began > 0.9


def test_without_redis_the_process_that_was_told_heeds_it() -> None:
    turns = a_process(NOWHERE)
    turns.heed(exchange(429, headers={"Retry-After": "30"}))
    with pytest.raises(GateClosed):
        turns.take()


EARLY = datetime.now(UTC) - timedelta(hours=5)  # the provider's clock is five hours late


@pytest.mark.redis
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "86400"}, PAUSE_SECONDS_MAX),
        ({"Retry-After": "-3"}, 5),
        ({"Retry-After": "soon"}, 5),
        (
            {
                "Date": format_datetime(EARLY, usegmt=True),
                "Retry-After": format_datetime(EARLY + timedelta(seconds=20), usegmt=True),
            },
            20,
        ),
        ({"Retry-After": format_datetime(EARLY, usegmt=True)}, 5),
    ],
)
def test_how_long_a_provider_is_left_alone(
    shared: str, headers: dict[str, str], seconds: float
) -> None:
    began = monotonic()
    a_process(shared).heed(exchange(429, headers=headers))
    left = SharedRedis(shared).pttl("provider-pause:provider") / 1000
    assert left <= seconds < left + monotonic() - began + 1


@pytest.mark.redis
@pytest.mark.parametrize("answer", [exchange(429), exchange(200, headers={"Retry-After": "9"})])
def test_an_answer_that_asks_for_nothing_delays_nobody(shared: str, answer: object) -> None:
    turns = a_process(shared, wait=never)
    turns.heed(answer)  # type: ignore[arg-type]
    turns.take()
