"""Stores a webhook delivery: the one INSERT that every callback waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection

from payments.models import WebhookDelivery

# Written out: to make it anew each time takes the ORM longer than the database takes to keep the row.
INSERT = f"""
INSERT INTO {WebhookDelivery._meta.db_table}
(dialect, channel, received_at, source, trust, attempt_token, headers, body, body_bytes,
 state, note, tries, next_try_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s)
"""  # noqa: S608 - our own name


def keep_delivery(
    *,
    dialect: str,
    channel: str,
    source: str | None,
    trust: str,
    attempt_token: str,
    headers: Mapping[str, str],
    body: bytes,
    body_bytes: int,
    refused: str = "",
    is_due: bool,
) -> int:
    """Keep what arrived, in autocommit: durable when this returns its primary key.

    `refused` says why it is not to be processed, `is_due` that it is, by a worker.
    """
    now = str(datetime.now(UTC).replace(tzinfo=None))  # as Django writes it: the database keeps UTC
    state = WebhookDelivery.State.REFUSED if refused else WebhookDelivery.State.RECEIVED
    values = (
        dialect,
        channel,
        now,
        source,
        trust,
        attempt_token,
        json.dumps(headers),
        body,
        body_bytes,
        state,
        refused,
        now if is_due else None,
    )
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return int(cursor.lastrowid)
