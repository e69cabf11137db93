"""The Redis in which all processes keep what they know of a provider."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

import redis

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 0.5
REST_SECONDS = 5


class SharedRedis(redis.Redis):
    """A Redis that is left alone for a moment once it has failed, so that a deaf one delays one call
    and not each: every command raises RedisError then.
    """

    def __init__(self, url: str) -> None:
        pool = redis.ConnectionPool.from_url(
            url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
        super().__init__(connection_pool=pool)
        self._rests_until = 0.0

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        if monotonic() < self._rests_until:
            raise redis.ConnectionError("Redis did not answer a moment ago")
        try:
            return super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._rests_until = monotonic() + REST_SECONDS
            logger.warning("what is known of the providers is not shared: %s", error)
            raise
