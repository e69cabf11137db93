"""Tells the web process that waits for a gateway's agent that there is something new."""

from __future__ import annotations

import logging
from functools import cache, partial

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REDIS_WAITS_SECONDS = 0.5


def wake_agent(gateway_id: int) -> None:
    """Once the current transaction is committed. Without Redis the agent learns it a little later."""
    transaction.on_commit(partial(_ring, gateway_id), robust=True)


def bell_of(gateway_id: int) -> PubSub | None:
    """What hears of a gateway's news from now on; None while Redis is away."""
    bell: PubSub = _redis().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    try:
        bell.subscribe(_channel(gateway_id))
        bell.get_message(timeout=REDIS_WAITS_SECONDS)  # that it is subscribed
    except RedisError as error:
        logger.warning("no bell for gateway %s: %s", gateway_id, error)
        bell.close()
        return None
    return bell


def _ring(gateway_id: int) -> None:
    try:
        _redis().publish(_channel(gateway_id), "")
    except RedisError as error:
        logger.warning("gateway %s is not woken: %s", gateway_id, error)


def _channel(gateway_id: int) -> str:
    return f"gateway:{gateway_id}"


@cache
def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_WAITS_SECONDS,
        socket_connect_timeout=REDIS_WAITS_SECONDS,
    )
