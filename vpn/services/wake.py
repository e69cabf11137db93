"""Tells the web process that waits for a gateway's agent that there is something new."""

from __future__ import annotations

import logging
from functools import cache, partial

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

REDIS_WAITS_SECONDS = 0.5


def wake_agent(gateway_id: int) -> None:
    """Once the current transaction is committed. Without Redis the agent learns it a little later."""
    transaction.on_commit(partial(_ring, gateway_id), robust=True)


def bell(gateway_id: int) -> str:
    """The Redis channel of a gateway."""
    return f"gateway:{gateway_id}"


def _ring(gateway_id: int) -> None:
    try:
        _redis().publish(bell(gateway_id), "")
    except RedisError as error:
        logger.warning("gateway %s is not woken: %s", gateway_id, error)


@cache
def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_WAITS_SECONDS,
        socket_connect_timeout=REDIS_WAITS_SECONDS,
    )
