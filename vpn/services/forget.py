"""Deletes what is kept for a time only (docs/privacy.md)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from vpn.models import Connection

CONNECTIONS_KEPT_FOR = timedelta(days=365)
BATCH = 5_000


def forget_old_connections() -> int:
    """Delete connections that ended long ago, the oldest first, in batches. Returns how many.

    They are numbered as they begin: no index is needed to find the oldest.
    """
    limit = timezone.now() - CONNECTIONS_KEPT_FOR
    deleted = 0
    while True:
        oldest = Connection.objects.order_by("pk").values_list("pk", "seen_at")[:BATCH]
        old = [key for key, seen_at in oldest if seen_at < limit]
        if not old:
            return deleted
        deleted += Connection.objects.filter(pk__in=old).delete()[0]
