"""Staff find a payment by whatever the customer reads out, and read its story; they change nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from backoffice.models import Note
from backoffice.story import ABOUT_PAYMENTS
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy
from cases.models import Case
from cases.services import open_case
from notifications.models import Message
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    Posting,
    ProviderCall,
    WebhookDelivery,
)
from payments.services.query import check_attempt
from payments.states import State
from payments.tests.factories import a_customer
from payments.tests.test_query import PAID, QUERY
from payments.tests.test_webhooks import TIGO_SECRET, deliver
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

Listed = Callable[..., list[Payment]]


def story(client: Client, payment: Payment) -> str:
    answer = client.get(f"/admin/payments/payment/{payment.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_payment_is_found_by_anything_the_customer_knows(paid: Payment, listed: Listed) -> None:
    attempt = paid.attempts.get()
    national = attempt.customer_phone.removeprefix("+255")
    for term in (
        attempt.reference,
        "MFS777",
        paid.public_id,
        paid.payer.email,
        attempt.customer_phone,
        f"0{national}",
        f"255{national}",
        f"0{national[:3]} {national[3:6]} {national[6:]}",
    ):
        assert listed(q=term) == [paid], term
    assert listed(q="nothing-like-it") == []


def test_the_filters_find_what_needs_attention(paid: Payment, listed: Listed) -> None:
    assert listed(attention="unfulfilled") == []
    Payment.objects.update(disposition="")
    assert listed(attention="unfulfilled") == [paid]
    assert listed(attention="case") == []
    open_case(kind="paid_twice", subject=f"payment:{paid.public_id}")
    assert listed(attention="case") == [paid]
    assert listed(attention="waiting") == []
    long_ago = timezone.now() - timedelta(minutes=11)
    Payment.objects.update(state=State.PENDING, created_at=long_ago)
    assert listed(attention="waiting") == [paid]


def test_the_story_tells_everything_and_no_secret(staff: Client, paid: Payment) -> None:
    told = story(staff, paid)
    ready = Message.objects.get(message_id="vpn_ready")
    for fact in (
        "MFS777",
        "provider:tigo_pesa:collection",
        "earnings_held:",
        "Daily Bundle",
        "Secret path",
        "10.8.0.2/32",
        "Activated",
        "Asante",
    ):
        assert fact in told, fact
    assert ready.context["link"] not in told
    assert paid.attempts.get().callback_token not in told


def test_times_are_told_as_the_business_keeps_them(staff: Client, paid: Payment) -> None:
    assert "Dar_es_Salaam" not in story(staff, paid)
    moment = paid.events.latest("id").at + timedelta(hours=3)
    assert f"{moment:%d.%m. %H:%M:%S}" in story(staff, paid)


def test_a_story_costs_the_same_however_long_the_list_is(
    staff: Client, paid: Payment, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        buy(a_customer(), a_bundle())
    with django_assert_max_num_queries(14):
        staff.get("/admin/payments/payment/")
    with django_assert_max_num_queries(41):
        story(staff, paid)


def test_a_story_costs_the_same_however_much_has_happened(
    staff: Client, paid: Payment, django_assert_num_queries: Any
) -> None:
    attempt, customer = paid.attempts.get(), paid.payer

    def lengthen(number: int) -> None:
        for rows in (attempt.calls, paid.events, paid.postings, attempt.deliveries):
            row: Any = rows.all()[0]
            row.pk = None
            if isinstance(row, Posting):
                row.source = f"again:{number}"
            rows.bulk_create([row])
        open_case(kind="underpaid", subject=f"payment:{paid.public_id}", detail=str(number))
        Case.objects.update(state="resolved")
        Note.objects.create(
            subject=f"customer:{customer.pk}", text="x", author=a_customer(), key=str(number)
        )
        Message.objects.create(
            key=f"{ABOUT_PAYMENTS[number]}:{paid.public_id}", message_id="x", text=f"told {number}"
        )

    ProviderCall.objects.create(attempt=attempt, kind="collect")
    for number in (1, 2):
        lengthen(number)
    story(staff, paid)
    with CaptureQueriesContext(connection) as queries:
        story(staff, paid)
    for number in range(3, 7):
        lengthen(number)
    with django_assert_num_queries(len(queries)):
        assert "told 6" in story(staff, paid)


def test_nothing_about_money_can_be_changed(staff: Client, paid: Payment) -> None:
    before = Payment.objects.values().get()
    for path in (
        "/admin/payments/payment/add/",
        f"/admin/payments/payment/{paid.pk}/delete/",
        "/admin/payments/posting/add/",
        "/admin/payments/webhookdelivery/add/",
    ):
        assert staff.post(path, {}).status_code == 403
    staff.post(f"/admin/payments/payment/{paid.pk}/change/", {"amount": 1})
    assert Payment.objects.values().get() == before


def test_staff_without_the_permission_see_nothing(client: Client, paid: Payment) -> None:
    person = User.objects.create_user("new@example.test", "x", is_staff=True)
    client.force_login(person)
    assert client.get("/admin/payments/payment/").status_code == 403
    assert client.get(f"/admin/payments/payment/{paid.pk}/change/").status_code == 403


def test_the_provider_is_asked_on_request_and_it_is_recorded(
    staff: Client, wire: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_gateway()
    wire.post(QUERY, json=PAID)
    payment = buy(a_customer(), a_bundle())
    url = reverse("admin:payments_payment_ask_the_provider", args=[payment.pk])
    assert "ask-the-provider" not in story(staff, payment)
    MobileMoneyTransaction.objects.update(
        status=State.PENDING,
        posted_at=timezone.now() - timedelta(minutes=1),
        provider_reference="ws_CO_1",
    )
    assert "ask-the-provider" in story(staff, payment)
    # The worker's part, done here: the page only queues it and waits for its answer.
    monkeypatch.setattr(
        "payments.services.ask_now.hurry", lambda task, key: check_attempt(attempt_id=key)
    )
    assert "Reason" in staff.get(url).content.decode()
    staff.post(url, {"why": " ", "key": "k"})
    assert not any(call.request.url == QUERY for call in wire.calls)
    answer = staff.post(url, {"why": "she waits", "key": "k"}, follow=True)
    assert "The provider was asked: Completed." in answer.content.decode()
    entry = LogEntry.objects.get()
    assert entry.object_id == str(payment.pk)
    assert entry.change_message.endswith("Completed. Reason: she waits")
    assert len([call for call in wire.calls if call.request.url == QUERY]) == 1
    assert staff.post(url, {"why": "she waits", "key": "k"}).status_code == 302


def test_kept_deliveries_are_seen_and_can_be_processed_again(staff: Client) -> None:
    deliver(TIGO_SECRET, b"\xff\xfe rubbish")
    delivery = WebhookDelivery.objects.get()
    page = staff.get(f"/admin/payments/webhookdelivery/{delivery.pk}/change/").content.decode()
    assert "ff fe 20" in page
    staff.post(
        "/admin/payments/webhookdelivery/",
        {"action": "process_again", "_selected_action": [delivery.pk]},
    )
    delivery.refresh_from_db()
    assert delivery.next_try_at is not None
    assert LogEntry.objects.filter(change_message__contains="Processed again").exists()


@pytest.mark.parametrize(
    "path",
    [
        "accounts/user",
        "bundles/bundle",
        "bundles/purchase",
        "bundles/seat",
        "bundles/subscription",
        "bundles/terms",
        "cases/case",
        "cases/caserules",
        "django_celery_beat/periodictask",
        "notifications/message",
        "payments/mobilemoneytransaction",
        "payments/posting",
        "payments/promptlimits",
        "payments/providerswitch",
        "payments/transfer",
        "payments/transferrules",
        "payments/webhookdelivery",
        "vpn/gateway",
        "vpn/peer",
    ],
)
def test_every_page_of_the_menu_opens(staff: Client, paid: Payment, path: str) -> None:
    open_case(kind="paid_twice", subject="payment:1")
    answer: Any = staff.get(f"/admin/{path}/")
    assert answer.status_code == 200
    for row in list(answer.context["cl"].result_list)[:1]:
        assert staff.get(f"/admin/{path}/{row.pk}/change/").status_code == 200


def test_what_is_no_payments_key_is_found_nowhere(staff: Client) -> None:
    assert staff.get("/admin/payments/payment/abc/change/").status_code == 302
