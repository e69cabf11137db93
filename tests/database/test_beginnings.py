"""References that begin with something are found by their index, and by nothing else than that."""

from __future__ import annotations

import pytest
from django.db import connection

from notifications.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.mariadb]


def found(beginning: str) -> list[str]:
    rows = Message.objects.filter(key__startswith=beginning).order_by("key")
    return list(rows.values_list("key", flat=True))


@pytest.fixture
def messages() -> None:
    Message.objects.bulk_create(
        Message(key=f"{begins}:{number}", message_id="x", to="", language="sw", text="x")
        for begins in ("vpn_ready", "vpn-ready", "VPN_READY", "vpn%ready")
        for number in range(200)
    )


@pytest.mark.usefixtures("messages")
def test_a_beginning_is_compared_letter_by_letter() -> None:
    assert found("vpn_ready:7") == ["vpn_ready:7", *(f"vpn_ready:7{each}" for each in range(10))]
    assert found("vpn%ready:199") == ["vpn%ready:199"]
    assert found("vpn_Ready") == []


@pytest.mark.usefixtures("messages")
def test_a_beginning_is_found_by_the_index() -> None:
    sql, values = Message.objects.filter(key__startswith="vpn_ready:7").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE notifications_message")
        cursor.fetchall()
        cursor.execute(f"EXPLAIN {sql}", values)
        names = [described[0] for described in cursor.description]
        plan = dict(zip(names, cursor.fetchone() or (), strict=True))
    assert (plan["type"], plan["key"]) == ("range", "key")
