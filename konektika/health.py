"""Whether this process serves, and whether it could do its work."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse


def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Database and broker answer; 503 with the ones that do not."""
    parts = {"database": _database_answers(), "broker": _broker_answers()}
    is_ready = all(parts.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", **parts}, status=200 if is_ready else 503
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
