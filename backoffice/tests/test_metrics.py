"""What a scrape tells, to whom, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from backoffice.tasks import beat
from cases.models import Case, CaseKind
from cases.services import open_case
from notifications.models import Message
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    Transfer,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.breaker import FAILURES_MAX
from payments.states import State
from payments.tests.conftest import redis_url as redis_url
from payments.tests.conftest import shared as shared
from payments.tests.factories import a_customer, a_payment
from payments.tests.test_webhooks import deliver, tigo
from vpn.models import Address, Gateway
from vpn.tests.factories import another_gateway

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("providers")]

HISTORY = 3000
ANALYSED = (
    Payment,
    MobileMoneyTransaction,
    Transfer,
    WebhookDelivery,
    Message,
    Case,
    Address,
)
GATEWAY = "konektika_gateway"
Figures = dict[tuple[str, ...], float]


def figures(client: Client) -> Figures:
    """Each sample by its name and its labels' values, in the order of their names."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", None, 200),
        ("::1", None, 200),
        ("203.0.113.9", None, 403),
        ("203.0.113.9", "127.0.0.1", 403),
        ("10.0.0.1", "198.51.100.1", 403),
        ("10.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "198.51.100.1", 403),  # by a proxy that nobody has told us of
    ],
)
def test_only_the_monitors_networks_may_read(
    client: Client, settings: Any, peer: str, forwarded: str | None, status: int
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client.get("/metrics", REMOTE_ADDR=peer, headers=headers).status_code == status


def test_payments_by_provider_state_and_reason(client: Client) -> None:
    for state, reason in ((State.FAILED, "wrong_pin"), (State.FAILED, "wrong_pin"), ("", "")):
        payment = a_payment(ProviderName.TIGO_PESA).payment
        if state:
            Payment.objects.filter(pk=payment.pk).update(state=state, reason=reason)
    old = a_payment(ProviderName.TIGO_PESA).payment
    Payment.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=2))
    told = figures(client)
    assert told["konektika_payments", "tigo_pesa", "wrong_pin", "failed"] == 2
    assert told["konektika_payments", "tigo_pesa", "", "initiated"] == 1


def test_how_long_it_took_from_the_prompt_to_the_money(client: Client) -> None:
    for seconds in (3, 15, 900):
        attempt = a_payment(ProviderName.AIRTEL_MONEY)
        paid_at = timezone.now()
        MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
            status=State.COMPLETED, posted_at=paid_at - timedelta(seconds=seconds)
        )
        Payment.objects.filter(pk=attempt.payment.pk).update(state=State.COMPLETED, paid_at=paid_at)
    told = figures(client)
    buckets = {
        le: told["konektika_prompt_to_paid_seconds_bucket", le, "airtel_money"]
        for le in ("5", "10", "20", "600", "+Inf")
    }
    assert buckets == {"5": 1, "10": 1, "20": 2, "600": 2, "+Inf": 3}


def test_the_oldest_unsettled_payment(client: Client) -> None:
    for minutes in (20, 5):
        attempt = a_payment()
        created_at = timezone.now() - timedelta(minutes=minutes)
        MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(created_at=created_at)
    told = figures(client)
    assert told["konektika_payments_unsettled", "vodacom_mpesa"] == 2
    age = told["konektika_payments_unsettled_oldest_seconds", "vodacom_mpesa"]
    assert age == pytest.approx(1200, abs=30)
    assert told["konektika_payments_unsettled", "tigo_pesa"] == 0
    assert told["konektika_payments_unsettled_oldest_seconds", "tigo_pesa"] == 0


def test_a_delivery_that_matches_nothing_is_counted_while_it_waits_and_is_a_case_then(
    client: Client,
) -> None:
    deliver("/api/webhooks/tigo-pesa", tigo("NOBODYSREF00"))
    told = figures(client)
    assert told["konektika_deliveries_waiting", "tigo_pesa"] == 1
    assert told["konektika_deliveries_unmatched", "tigo_pesa"] == 1
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(minutes=7))
    age = figures(client)["konektika_deliveries_waiting_oldest_seconds", "tigo_pesa"]
    assert age == pytest.approx(420, abs=30)
    WebhookDelivery.objects.update(next_try_at=None)
    told = figures(client)
    assert told["konektika_deliveries_waiting", "tigo_pesa"] == 0
    assert told["konektika_deliveries_unmatched", "tigo_pesa"] == 0


def test_open_cases_by_kind(client: Client) -> None:
    for subject in ("payment:1", "payment:2"):
        open_case(kind=CaseKind.PAID_TWICE, subject=subject, amount=1, detail="")
    Case.objects.filter(subject="payment:2").update(state=Case.State.RESOLVED)
    told = figures(client)
    assert told["konektika_open_cases", "paid_twice"] == 1
    assert told["konektika_open_cases", "underpaid"] == 0


def test_outgoing_money_that_is_not_confirmed(client: Client) -> None:
    for state, outcome, minutes in (
        ("queued", "", None),
        ("pending", "pending", 90),
        ("pending", "unknown", 30),
        ("pending", "", 20),
        ("succeeded", "succeeded", 99),
    ):
        Transfer.objects.create(
            kind=Transfer.Kind.PAYOUT,
            method=Transfer.Method.DISBURSEMENT,
            state=state,
            outcome=outcome,
            payee=a_customer(),
            provider=ProviderName.TIGO_PESA,
            dialect="tigo_pesa",
            phone="+255715000000",
            amount=1000,
            request_key=f"{state}{outcome}",
            posted_at=None if minutes is None else timezone.now() - timedelta(minutes=minutes),
        )
    told = figures(client)
    assert {
        state: told["konektika_transfers", "payout", state]
        for state in ("requested", "queued", "pending", "unknown")
    } == {"requested": 0, "queued": 1, "pending": 1, "unknown": 2}
    assert told["konektika_transfers", "refund", "unknown"] == 0
    age = told["konektika_transfers_unknown_oldest_seconds",]
    assert age == pytest.approx(1800, abs=30)


def test_messages_that_wait(client: Client) -> None:
    created_at = timezone.now() - timedelta(minutes=3)
    for key, next_attempt_at in (("a", timezone.now()), ("b", None)):
        Message.objects.create(key=key, created_at=created_at, next_attempt_at=next_attempt_at)
    told = figures(client)
    assert told["konektika_outbox_waiting",] == 1
    assert told["konektika_outbox_waiting_oldest_seconds",] == pytest.approx(180, abs=30)


def test_what_became_of_the_last_hours_messages(client: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    for key, state, created_at in (
        ("a", "failed", timezone.now()),
        ("b", "failed", timezone.now()),
        ("c", "sent", timezone.now()),
        ("d", "sent", long_ago),
    ):
        Message.objects.create(key=key, channel="beem", state=state, created_at=created_at)
    told = figures(client)
    assert told["konektika_messages", "beem", "failed"] == 2
    assert told["konektika_messages", "beem", "sent"] == 1


def test_what_is_left_for_sms(client: Client) -> None:
    cache.set("sms_credit:beem", (412.5, "SMS"), timeout=60)
    assert figures(client)["konektika_sms_credit", "beem", "SMS"] == 412.5


def test_how_gateways_do(client: Client) -> None:
    hour = timezone.now() - timedelta(hours=1)
    well = another_gateway(name="dar-1", region="dar", seen_at=hour, range4="10.8.0.0/28")
    Gateway.objects.filter(pk=well.pk).update(peers_served=3, capacity=9, next_number=6)
    for number, free_at in ((2, None), (3, hour), (4, timezone.now() + timedelta(hours=1))):
        Address.objects.create(gateway=well, number=number, free_at=free_at)
    another_gateway(name="ill", seen_at=hour, reports_differing=1, refused_revision=7)
    another_gateway(name="leaving", seen_at=hour, state="draining")
    another_gateway(name="ended", seen_at=hour, state="offline")
    another_gateway(name="new", public_key=None)
    told = {
        key: value for key, value in figures(client).items() if key[0].startswith(f"{GATEWAY}_")
    }
    silence = told.pop((f"{GATEWAY}_silent_seconds", "dar-1", "dar"))
    assert silence == pytest.approx(3600, abs=30)
    assert {key[1] for key in told} == {"dar-1", "ill", "leaving"}
    assert told[f"{GATEWAY}_peers", "dar-1", "dar"] == 3
    assert told[f"{GATEWAY}_capacity", "dar-1", "dar"] == 9
    assert told[f"{GATEWAY}_addresses_left", "dar-1", "dar"] == 10, "6 to 14, and number 3"
    for trouble in ("differs", "refuses"):
        assert told[f"{GATEWAY}_{trouble}", "dar-1", "dar"] == 0
        assert told[f"{GATEWAY}_{trouble}", "ill", ""] == 1
    assert (f"{GATEWAY}_peers", "leaving", "") in told
    assert (f"{GATEWAY}_capacity", "leaving", "") not in told
    assert (f"{GATEWAY}_addresses_left", "leaving", "") not in told


def test_the_heartbeat_ages_and_is_absent_before_the_first(client: Client) -> None:
    assert ("konektika_heartbeat_age_seconds",) not in figures(client)
    with time_machine.travel(timezone.now() - timedelta(minutes=4), tick=False):
        beat()
    assert figures(client)["konektika_heartbeat_age_seconds",] == pytest.approx(240, abs=30)
    beat()
    assert figures(client)["konektika_heartbeat_age_seconds",] == pytest.approx(0, abs=30)


@pytest.mark.redis
@pytest.mark.usefixtures("shared")
def test_the_breakers_state(client: Client) -> None:
    def send() -> Any:
        raise ConnectionError

    for _ in range(FAILURES_MAX):
        with pytest.raises(ConnectionError):
            registry.gate("tigo_pesa").call(send, waits_for_pin=False)
    told = figures(client)
    assert told["konektika_breaker_state", "tigo_pesa", "open"] == 1
    assert told["konektika_breaker_state", "tigo_pesa", "closed"] == 0
    assert told["konektika_breaker_state", "airtel_money", "closed"] == 1


@pytest.fixture
def history() -> None:
    """Many rows that are over, as every table has after a while."""
    long_ago = timezone.now() - timedelta(days=30)
    payer = a_customer()
    payments = Payment.objects.bulk_create(
        Payment(
            payer=payer,
            subject=f"old:{number}",
            amount=1000,
            payment_method=ProviderName.TIGO_PESA,
            state=State.COMPLETED,
            created_at=long_ago,
        )
        for number in range(HISTORY)
    )
    MobileMoneyTransaction.objects.bulk_create(
        MobileMoneyTransaction(
            payment=payment,
            provider=ProviderName.TIGO_PESA,
            dialect="tigo_pesa",
            status=State.COMPLETED,
            posted_at=long_ago,
            created_at=long_ago,
        )
        for payment in payments
    )
    Transfer.objects.bulk_create(
        Transfer(
            kind=Transfer.Kind.PAYOUT,
            method=Transfer.Method.DISBURSEMENT,
            state="succeeded",
            payee=payer,
            provider=ProviderName.TIGO_PESA,
            dialect="tigo_pesa",
            phone="+255715000000",
            amount=1000,
            request_key=f"old:{number}",
            posted_at=long_ago,
        )
        for number in range(HISTORY)
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(dialect="tigo_pesa", trust="open", body=b"{}", body_bytes=2)
        for _ in range(HISTORY)
    )
    Message.objects.bulk_create(
        Message(key=f"old:{number}", state="sent", next_attempt_at=None, created_at=long_ago)
        for number in range(HISTORY)
    )
    Case.objects.bulk_create(
        Case(kind=CaseKind.UNDERPAID, subject=f"old:{number}", state=Case.State.RESOLVED)
        for number in range(HISTORY)
    )
    gateways = [another_gateway(), another_gateway()]
    tomorrow = timezone.now() + timedelta(days=1)
    Address.objects.bulk_create(
        Address(gateway=gateway, number=number, free_at=None if number % 2 else tomorrow)
        for gateway in gateways
        for number in range(2, HISTORY)
    )


@pytest.mark.mariadb
@pytest.mark.usefixtures("history")
def test_a_scrape_reads_no_history(client: Client) -> None:
    with connection.cursor() as cursor:
        for model in ANALYSED:
            cursor.execute(f"ANALYZE TABLE {model._meta.db_table}")
    with CaptureQueriesContext(connection) as scrape:
        figures(client)
    questions = [query["sql"] for query in scrape if query["sql"].startswith("SELECT")]
    assert len(questions) == 10
    for sql in questions:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            names = [column[0] for column in cursor.description]
            for line in cursor.fetchall():
                step = dict(zip(names, line, strict=True))
                if step["table"] == Gateway._meta.db_table:
                    continue  # all of them are read: they are few, and have no history
                assert step["key"], (step, sql)
                assert step["type"] not in ("ALL", "index"), (step, sql)
                assert int(step["rows"]) < HISTORY / 10, (step, sql)
