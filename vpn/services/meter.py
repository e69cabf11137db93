"""Keeps the greatest value of each counter that can be believed, and what subscriptions have used.

Runs inside the transaction of who holds the subscriptions and the gateway locked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import BigIntegerField, F, Func, Max, OuterRef, Subquery

from bundles.models import Subscription
from bundles.services.use import note_use
from common.among import among
from common.clock import business_day
from vpn.models import Peer, Usage

LINE_BYTES_PER_SECOND = 10 * 10**9 // 8  # 10 Gbit/s each way: more than any gateway's line
CLOCK_MARGIN = timedelta(seconds=10)
SILENCE_AT_MOST = timedelta(days=1)  # else a long one would make any growth believed
AT_ONCE = int(LINE_BYTES_PER_SECOND * CLOCK_MARGIN.total_seconds())

# Written out: the ORM's bulk_create takes four times as long, the driver's executemany half again.
# GREATEST is a second guard, as who writes has compared already, under lock.
INSERT = (
    "INSERT INTO vpn_usage"
    " (peer_id, subscription_id, epoch, day, up_from, up_to, down_from, down_to, seen_at) VALUES "
)
ON_CONFLICT = {
    "mysql": " ON DUPLICATE KEY UPDATE up_to = GREATEST(up_to, VALUES(up_to)),"
    " down_to = GREATEST(down_to, VALUES(down_to)), seen_at = GREATEST(seen_at, VALUES(seen_at))",
    "sqlite": " ON CONFLICT (peer_id, subscription_id, epoch, day) DO UPDATE SET"
    " up_to = MAX(up_to, excluded.up_to), down_to = MAX(down_to, excluded.down_to),"
    " seen_at = MAX(seen_at, excluded.seen_at)",
}
ROWS_AT_ONCE = 2_000
PLAIN = re.compile(r"[0-9A-Za-z_:. -]+", re.ASCII)


class Count(NamedTuple):
    """One absolute counter: bytes since the epoch began."""

    peer: int
    group: int
    up: int
    down: int


class _Last(NamedTuple):
    """What was believed last of a counter."""

    day: date
    up: int
    down: int


NOTHING = _Last(date.min, 0, 0)
_Key = tuple[int, int]  # peer, subscription


def meter(
    counts: Sequence[Count], *, epoch: str, at: datetime, is_newer: bool
) -> tuple[set[int], list[str]]:
    """Write what has grown. Returns the subscriptions that have used more, and what is not believed.

    `is_newer` says that the gateway counted this after all that it has told before: a value below
    the last one is a fault then, and merely late otherwise.
    """
    day = business_day(at)
    last = _last_values(counts, epoch, day)
    grown: list[Count] = []
    doubtful: list[Count] = []
    faults: list[str] = []
    for count in counts:
        before = last.get((count.peer, count.group), NOTHING)
        up, down = count.up - before.up, count.down - before.down
        if up < 0 or down < 0:
            if is_newer:
                faults.append(
                    f"peer {count.peer} counts {count.up} and {count.down} bytes"
                    f" after {before.up} and {before.down}"
                )
        elif up > AT_ONCE or down > AT_ONCE:
            doubtful.append(count)
        elif up or down:
            grown.append(count)
    grown += _carried(doubtful, last, epoch, at, faults)
    if grown:
        _write(grown, last, epoch, day, at)
    subscriptions = {count.group for count in grown}
    _sum_up(subscriptions)
    return subscriptions, faults


def _last_values(counts: Collection[Count], epoch: str, day: date) -> dict[_Key, _Last]:
    """The newest row of each counter. As a rule it is the day's, but for the first of a day."""
    if not counts:
        return {}
    of_epoch = Usage.objects.filter(epoch=epoch)
    last: dict[_Key, _Last] = {}
    if not of_epoch.filter(day__gt=day).exists():
        today = of_epoch.filter(day=day).values_list("peer", "subscription", "up_to", "down_to")
        last = {(peer, group): _Last(day, up, down) for peer, group, up, down in today}
    missing = {count.peer for count in counts if (count.peer, count.group) not in last}
    if missing:
        rows = of_epoch.filter(among(Usage, "peer_id", missing)).values_list("peer", "subscription")
        newest = rows.annotate(Max("day"), Max("up_to"), Max("down_to"))  # they grow with the days
        last |= {(peer, group): _Last(*values) for peer, group, *values in newest}
    return last


def _carried(
    doubtful: Collection[Count],
    last: Mapping[_Key, _Last],
    epoch: str,
    at: datetime,
    faults: list[str],
) -> Iterable[Count]:
    """Of counters that have grown by much, those whose growth the line can have carried."""
    if not doubtful:
        return
    peers = {count.peer for count in doubtful}
    made_at = dict(Peer.objects.filter(pk__in=peers).values_list("pk", "created_at"))
    rows = Usage.objects.filter(epoch=epoch, peer__in=peers).values_list("peer", "subscription")
    seen_at = {(peer, group): seen for peer, group, seen in rows.annotate(Max("seen_at"))}
    for count in doubtful:
        key = (count.peer, count.group)
        before = last.get(key, NOTHING)
        since = seen_at.get(key, made_at[count.peer])
        silence = min(max(at - since, timedelta()), SILENCE_AT_MOST) + CLOCK_MARGIN
        most = LINE_BYTES_PER_SECOND * silence.total_seconds()
        if max(count.up - before.up, count.down - before.down) <= most:
            yield count
        else:
            faults.append(
                f"peer {count.peer} counts {count.up} and {count.down} bytes"
                f" {silence.total_seconds():.0f} s after {before.up} and {before.down}"
            )


def _write(
    grown: Iterable[Count], last: Mapping[_Key, _Last], epoch: str, day: date, at: datetime
) -> None:
    seen_at = _literal(str(connection.ops.adapt_datetimefield_value(at)))
    name = _literal(epoch)
    rows = []
    for peer, group, up, down in grown:
        before = last.get((peer, group), NOTHING)
        row_day = max(day, before.day)  # a late report changes the newest row
        rows.append(
            f"({peer:d}, {group:d}, {name}, '{row_day}',"
            f" {before.up:d}, {up:d}, {before.down:d}, {down:d}, {seen_at})"
        )
    with connection.cursor() as cursor:
        for first in range(0, len(rows), ROWS_AT_ONCE):
            values = ", ".join(rows[first : first + ROWS_AT_ONCE])
            cursor.execute(INSERT + values + ON_CONFLICT[connection.vendor])


def _literal(text: str) -> str:
    """Text within a statement. Raises ValueError for what would need quoting."""
    if not PLAIN.fullmatch(text):
        raise ValueError(f"not plain: {text!r}")
    return f"'{text}'"


def _sum_up(subscription_ids: Collection[int]) -> None:
    """Derived from the rows each time, so that no mistake stays."""
    if not subscription_ids:
        return
    bytes_of_row = F("up_to") - F("up_from") + F("down_to") - F("down_from")
    used = (
        Usage.objects.filter(subscription=OuterRef("pk"))
        # As a plain function: Sum would group, and MariaDB then takes three times as long.
        .annotate(total=Func(bytes_of_row, function="SUM", output_field=BigIntegerField()))
        .values("total")
    )
    touched = Subscription.objects.filter(among(Subscription, "id", subscription_ids))
    touched.update(data_used_bytes=Subquery(used))
    note_use(subscription_ids)
