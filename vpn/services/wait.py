"""Waits for what a gateway's agent has not been told yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from redis.client import PubSub
from redis.exceptions import RedisError

from vpn.services.state import news_for
from vpn.services.wake import bell_of

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0  # whether a bell was rung or not: Redis forgets, the database does not


def wait_for_news(
    gateway_id: int, seconds: float, *, epoch: str, revision: int | None, digest: str
) -> dict[str, Any] | None:
    """What `news_for` tells, as soon as there is any; None when there is none after that time."""
    deadline = monotonic() + seconds
    with _listening(gateway_id, seconds) as bell:
        while True:  # the bell hangs before the first look: no ring is missed
            news = news_for(gateway_id, epoch=epoch, revision=revision, digest=digest)
            left = deadline - monotonic()
            if news is not None or left <= 0:
                return news
            bell = _wait(bell, min(left, LOOK_EVERY_SECONDS))


@contextmanager
def _listening(gateway_id: int, seconds: float) -> Iterator[PubSub | None]:
    if not seconds:
        yield None
        return
    bell = bell_of(gateway_id)
    try:
        yield bell
    finally:
        if bell is not None:
            bell.close()


def _wait(bell: PubSub | None, seconds: float) -> PubSub | None:
    """Until it rings, or that long. Returns the bell, None for one that is broken."""
    if bell is None:
        sleep(seconds)
        return None
    try:
        bell.get_message(ignore_subscribe_messages=True, timeout=seconds)
    except RedisError as error:
        logger.warning("the bell is broken: %s", error)
        return None
    return bell
