"""A sign that beat sends and that a worker works, whichever of them there are."""

from __future__ import annotations

from django.core.cache import cache
from django.utils import timezone

KEY = "heartbeat"


def beat() -> None:
    """Note that the schedule has reached a worker."""
    cache.set(KEY, timezone.now().timestamp(), timeout=None)


def heartbeat_age() -> float | None:
    """Seconds since the last beat; None when there was none that anybody remembers."""
    last: float | None = cache.get(KEY)
    return None if last is None else max(timezone.now().timestamp() - last, 0.0)
