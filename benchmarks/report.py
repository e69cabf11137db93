"""What does a gateway's report of 10,000 counters cost beside a bare upsert of as many rows?"""

from __future__ import annotations

import gc
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.crowd import fill
from benchmarks.figures import Figure
from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from common.clock import business_day
from tests.fresh_database import fresh_database
from vpn.agent_api.report import ReportView
from vpn.models import Connection, Gateway, Peer, Usage

PEERS, QUICK_PEERS = 10_000, 1_000
DAYS_BEFORE = 7  # of which each subscription has rows already
WARMING_UP, ROUNDS, QUICK_ROUNDS = 2, 15, 3
HANDSHAKE_EVERY = 12  # reports, of a device that is never idle: 120 s
BYTES = 100_000  # of each device between two reports
EPOCH = "benchmark"
FIRST_HANDSHAKE = timedelta(hours=1)  # ago
BARE = """
INSERT INTO vpn_usage
    (peer_id, subscription_id, epoch, day, up_from, up_to, down_from, down_to, seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE
    up_to = VALUES(up_to), down_to = VALUES(down_to), seen_at = VALUES(seen_at)
"""

Devices = Sequence[tuple[int, int]]  # the ids of a peer and of its subscription
Counters = Sequence[Sequence[int]]


def measure(*, is_quick: bool, is_verbose: bool) -> list[Figure]:
    """The report, from its bytes to its answer, and two upserts of the same rows, by turns."""
    peers = QUICK_PEERS if is_quick else PEERS
    rounds = WARMING_UP + (QUICK_ROUNDS if is_quick else ROUNDS)
    with _own_schema():
        secret, devices = _fill(peers)
        reports, bare, by_orm = [], [], []
        for number in range(rounds):
            count = 3 * number * BYTES  # by turns each of the three raises the same counters
            body = _body(_counters(devices, count + BYTES, number), number + 1)
            reports.append(_seconds(partial(_report, secret, body)))
            bare.append(_seconds(partial(_bare_upsert, _rows(devices, count + 2 * BYTES))))
            by_orm.append(_seconds(partial(_bulk_create, _usage(devices, count + 3 * BYTES))))
        if is_verbose:
            _tell_queries(secret, _body(_counters(devices, 4 * rounds * BYTES, 1), rounds + 1))
        _check(peers)
    return [
        Figure(
            f"report of {peers} counters, beside a bare upsert",
            reports[WARMING_UP:],
            bare[WARMING_UP:],
            at_most=3,
        ),
        Figure(
            f"report of {peers} counters, beside bulk_create",
            reports[WARMING_UP:],
            by_orm[WARMING_UP:],
        ),
    ]


class NotCounted(Exception):
    """The reports did something else than what was measured; the times would mean nothing."""


@contextmanager
def _own_schema() -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    with (
        TemporaryDirectory() as folder,
        fresh_database(os.environ["DATABASE_URL"], Path(folder)) as url,
    ):
        connection.close()
        connection.settings_dict["NAME"] = urlsplit(url).path.removeprefix("/")
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before


def _fill(count: int) -> tuple[str, Devices]:
    """One gateway with as many devices, each with a subscription of its own and a week of usage.

    Returns the gateway's secret, and the devices.
    """
    now = timezone.now()
    gateway = Gateway.objects.create(
        name="one", endpoint_host="gateway.test", endpoint_port=51820, range4="10.8.0.0/16"
    )
    secret = f"{gateway.pk}.benchmark"
    gateway.secret_hash = hashlib.sha256(secret.encode()).hexdigest()
    gateway.save(update_fields=["secret_hash"])
    peers = fill(gateway, a_bundle(max_clients=count), count)
    devices = [(peer.pk, peer.subscription_id) for peer in peers]
    Peer.objects.update(handshake_at=now - FIRST_HANDSHAKE)
    Connection.objects.bulk_create(
        Connection(peer=peer, started_at=now - 2 * FIRST_HANDSHAKE, seen_at=now - FIRST_HANDSHAKE)
        for peer in peers
    )
    today = timezone.localdate()
    for days in range(DAYS_BEFORE, 0, -1):
        Usage.objects.bulk_create(
            _usage(devices, BYTES, epoch="before", day=today - timedelta(days=days))
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE vpn_usage, vpn_peer, vpn_connection, bundles_subscription")
        cursor.fetchall()
    return secret, devices


def _counters(devices: Devices, count: int, number: int) -> Counters:
    """All have grown; as in each report of a busy gateway, a twelfth has shaken hands."""
    before = int((timezone.now() - FIRST_HANDSHAKE).timestamp())
    return [
        [*device, count, count, before + number if place % HANDSHAKE_EVERY == number % 12 else 0]
        for place, device in enumerate(devices)
    ]


def _body(counters: Counters, sequence: int) -> bytes:
    gateway = Gateway.objects.get()
    return json.dumps(
        {
            "epoch": EPOCH,
            "sequence": sequence,
            "at": int(timezone.now().timestamp()),
            "revision": gateway.revision,
            "digest": gateway.digest,
            "counters": counters,
            "health": {
                "version": "1",
                "backend": "wireguard",
                "peers": len(counters),
                "repairs": 0,
                "refused_revision": None,
            },
        }
    ).encode()


def _report(secret: str, body: bytes) -> None:
    request = RequestFactory().post(
        "/agent/v1/report",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    response = ReportView.as_view()(request)
    if response.status_code != 200 or response.data["unknown"]:
        raise NotCounted(response.data)


def _rows(devices: Devices, count: int) -> list[tuple[int, int, str, str, int, int, int, int, str]]:
    day, now = business_day(timezone.now()).isoformat(), f"{timezone.now():%Y-%m-%d %H:%M:%S.%f}"
    return [(*device, EPOCH, day, 0, count, 0, count, now) for device in devices]


def _bare_upsert(rows: Sequence[tuple[int | str, ...]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(BARE, rows)


def _usage(
    devices: Devices,
    count: int,
    epoch: str = EPOCH,
    day: date | None = None,
    at: datetime | None = None,
) -> list[Usage]:
    return [
        Usage(
            peer_id=peer,
            subscription_id=subscription,
            epoch=epoch,
            day=day or business_day(timezone.now()),
            up_from=0,
            up_to=count,
            down_from=0,
            down_to=count,
            seen_at=at or timezone.now(),
        )
        for peer, subscription in devices
    ]


def _bulk_create(usage: Sequence[Usage]) -> None:
    with transaction.atomic():
        Usage.objects.bulk_create(
            usage, update_conflicts=True, update_fields=["up_to", "down_to", "seen_at"]
        )


def _seconds(work: Callable[[], None]) -> float:
    gc.collect()
    began = perf_counter()
    work()
    return perf_counter() - began


def _tell_queries(secret: str, body: bytes) -> None:
    with CaptureQueriesContext(connection) as queries:
        _report(secret, body)
    for query in queries:
        print(f"{query['time']} s: {query['sql'][:100]!r}", flush=True)


def _check(peers: int) -> None:
    """Raises NotCounted unless all was counted, and each row once."""
    rows = Usage.objects.filter(epoch=EPOCH).count()
    used = Subscription.objects.filter(data_used_bytes__gt=DAYS_BEFORE * 2 * BYTES).count()
    if (rows, used) != (peers, peers):
        raise NotCounted(f"{rows} rows, {used} subscriptions of {peers}")
