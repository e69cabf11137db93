"""Access tokens shared by all processes through Redis; each process's own when Redis is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import LockError, RedisError

from payments.providers.http import MemoryTokenStore, Token, usable_seconds

logger = logging.getLogger(__name__)

REFRESH_SECONDS_MAX = 75  # longer than one token call, repeated, can take


class RedisTokenStore:
    """A `TokenStore` in Redis. Losing it costs one new token, never a payment."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        self._own = MemoryTokenStore()

    def get(self, name: str) -> str | None:
        try:
            value = self._redis.get(_key(name))
        except RedisError:
            return self._own.get(name)
        return value.decode() if isinstance(value, bytes) else None

    def put(self, name: str, token: Token) -> None:
        self._own.put(name, token)
        try:
            self._redis.set(_key(name), token.value, px=int(usable_seconds(token) * 1000) or 1)
        except RedisError as error:
            logger.warning("token of %s is not shared: %s", name, error)

    def forget(self, name: str) -> None:
        self._own.forget(name)
        try:
            self._redis.delete(_key(name))
        except RedisError as error:
            logger.warning("token of %s is not forgotten by others: %s", name, error)

    @contextmanager
    def refreshing(self, name: str) -> Iterator[None]:
        lock = self._redis.lock(
            f"{_key(name)}:refreshing",
            timeout=REFRESH_SECONDS_MAX,
            blocking_timeout=REFRESH_SECONDS_MAX,
        )
        try:
            is_held = lock.acquire()
        except RedisError:
            is_held = False
        try:
            yield
        finally:
            if is_held:
                _release(lock)


def _release(lock: redis.lock.Lock) -> None:
    try:
        lock.release()
    except (LockError, RedisError) as error:
        logger.warning("a token's lock was lost: %s", error)


def _key(name: str) -> str:
    return f"provider-token:{name}"
