"""When peers were connected, as their handshakes tell it; inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import connection
from django.db.models import F, Max, OuterRef, Subquery

from common.among import among
from vpn.models import ONLINE_FOR, Connection, Peer

# The ORM's bulk_create takes several times as long.
UPSERT = {
    "mysql": "INSERT INTO vpn_connection (peer_id, started_at, seen_at) VALUES (%s, %s, %s)"
    " ON DUPLICATE KEY UPDATE seen_at = GREATEST(seen_at, VALUES(seen_at))",
    "sqlite": "INSERT INTO vpn_connection (peer_id, started_at, seen_at) VALUES (%s, %s, %s)"
    " ON CONFLICT (peer_id, started_at) DO UPDATE SET seen_at = MAX(seen_at, excluded.seen_at)",
}


def note_handshakes(handshakes: Mapping[int, tuple[datetime | None, datetime]]) -> None:
    """Each peer's handshake before, and its new one: the same connection goes on, or one begins."""
    if not handshakes:
        return
    going_on = {
        peer
        for peer, (before, moment) in handshakes.items()
        if before is not None and moment - before <= ONLINE_FOR
    }
    newest = Connection.objects.filter(
        among(Connection, "peer_id", going_on), seen_at=F("peer__handshake_at")
    )
    started = dict(newest.values_list("peer", "started_at"))
    adapted = connection.ops.adapt_datetimefield_value
    rows = [
        (peer, adapted(started.get(peer, moment)), adapted(moment))
        for peer, (_, moment) in handshakes.items()
    ]
    with connection.cursor() as cursor:
        cursor.executemany(UPSERT[connection.vendor], rows)
    last = Connection.objects.filter(peer=OuterRef("pk")).values("peer").annotate(Max("seen_at"))
    Peer.objects.filter(among(Peer, "id", handshakes)).update(
        handshake_at=Subquery(last.values("seen_at__max"))
    )
