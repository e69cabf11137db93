"""A channel that fails for everybody is left alone, by all processes; on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis import Redis

from common.shared_redis import SharedRedis
from deploy.local.ports import free_port
from deploy.local.redis_server import redis_server
from notifications.channels.base import HeldBack, InDoubt, Misconfigured, NotAccepted, Unreachable
from notifications.channels.breaker import FAILURES_MAX, PAUSE_SECONDS, ChannelBreaker

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A Redis that only these tests know."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    with redis_server(url):
        yield url


@pytest.fixture
def shared(server: str) -> str:
    """Its URL; it is empty."""
    with Redis.from_url(server) as redis:
        redis.flushdb()
    return server


def a_process(url: str) -> ChannelBreaker:
    """The breaker as one more process has it."""
    return ChannelBreaker(SharedRedis(url), "beem")


def sending(breaker: ChannelBreaker, end: Exception | None = None) -> None:
    with breaker.calling():
        if end:
            raise end


def fail(breaker: ChannelBreaker, end: Exception, times: int = FAILURES_MAX) -> None:
    for _ in range(times):
        with pytest.raises(type(end)):
            sending(breaker, end)


@pytest.mark.parametrize("end", [Unreachable("x"), InDoubt("x"), Misconfigured("x")])
def test_trouble_of_the_channel_closes_it_for_every_process(shared: str, end: Exception) -> None:
    fail(a_process(shared), end)
    with pytest.raises(HeldBack):
        sending(a_process(shared))


def test_what_is_wrong_with_one_message_closes_nothing(shared: str) -> None:
    breaker = a_process(shared)
    fail(breaker, NotAccepted("number", permanent=True), FAILURES_MAX * 2)
    sending(breaker)


def test_an_answer_between_begins_the_count_anew(shared: str) -> None:
    breaker = a_process(shared)
    for _ in range(2):
        fail(breaker, InDoubt("x"), FAILURES_MAX - 1)
        with suppress(NotAccepted):
            sending(breaker, NotAccepted("no balance"))
    sending(breaker)


@pytest.mark.parametrize(("end", "is_open"), [(None, False), (InDoubt("x"), True)])
def test_after_the_pause_one_sending_tells(
    shared: str, end: Exception | None, is_open: bool
) -> None:
    fail(a_process(shared), InDoubt("x"))
    with Redis.from_url(shared) as redis:
        redis.decrby("channel:beem:pybreaker:opened_at", PAUSE_SECONDS + 1)
    with suppress(InDoubt):
        sending(a_process(shared), end)
    if is_open:
        with pytest.raises(HeldBack):
            sending(a_process(shared))
    else:
        sending(a_process(shared))
