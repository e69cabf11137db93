"""What support does with a payment: only what is legal now, with a reason, and logged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from backoffice.models import Note
from backoffice.tests.stories import refund
from backoffice.tests.test_search import signed_in
from backoffice.tests.test_transfers import page, send
from bundles.models import GIGABYTE, Activation, Subscription
from bundles.tests.test_buy_and_activate import pay
from notifications.models import Message
from payments.models import (
    Disposition,
    Match,
    MobileMoneyTransaction,
    Payment,
    StatementFile,
    StatementLine,
    Transfer,
    WebhookDelivery,
)
from payments.tests.outgoing import SENT, FakeProvider, hear
from payments.tests.outgoing import provider as provider
from vpn.models import ConfigLink, Gateway, Peer

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(payment: Payment, verb: str = "change") -> str:
    return f"/admin/payments/payment/{payment.pk}/{verb}/"


@pytest.fixture
def support(transactional_db: None) -> Client:
    return signed_in(role="support")


@pytest.fixture
def unserved(unpaid: MobileMoneyTransaction) -> Payment:
    """Paid while no gateway was in service: not activated."""
    Gateway.objects.update(state="offline")
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    assert payment.disposition == Disposition.OPEN
    return payment


# Activate again


def test_what_was_paid_is_activated_once_the_reason_is_gone(
    support: Client, unserved: Payment
) -> None:
    assert "activate-again" in page(support, path_of(unserved))
    shown = send(support, path_of(unserved, "activate-again"))
    assert "It is not activated" in shown
    Gateway.objects.update(state="active")
    shown = send(support, path_of(unserved, "activate-again"))
    assert "It is activated." in shown
    assert "Reason: the reason" in LogEntry.objects.first().change_message  # type: ignore[union-attr]
    assert Activation.objects.count() == 1
    assert "/activate-again/" not in page(support, path_of(unserved))
    page(support, path_of(unserved, "activate-again"), status=403)


def test_what_is_activated_is_not_activated_a_second_time(
    support: Client, unserved: Payment
) -> None:
    Gateway.objects.update(state="active")
    for _ in range(2):
        body = {"why": "twice", "key": "same"}
        assert support.post(path_of(unserved, "activate-again"), body).status_code == 302
    assert Activation.objects.count() == Subscription.objects.count() == 1


def test_money_that_was_given_up_is_not_activated(support: Client, unserved: Payment) -> None:
    Payment.objects.update(disposition=Disposition.CREDITED)
    body = {"why": "please", "key": "k"}
    support.post(path_of(unserved, "activate-again"), body)
    assert not Activation.objects.exists()
    Payment.objects.update(disposition=Disposition.OPEN, state="failed")
    support.post(path_of(unserved, "activate-again"), body)
    assert not Message.objects.filter(message_id="payment_failed").exists()


# Send the configuration


def test_the_configuration_is_sent_again_once_and_no_number_is_told(
    support: Client, paid: Payment
) -> None:
    before = Message.objects.count()
    links = ConfigLink.objects.count()
    body = {"why": "lost it", "key": "k1"}
    path = path_of(paid, "send-configuration")
    first, again = (support.post(path, body, follow=True) for _ in range(2))
    shown = first.content.decode() + again.content.decode()
    assert Message.objects.count() == before + 1
    assert ConfigLink.objects.count() > links
    message = Message.objects.latest("id")
    assert message.to == paid.payer.phone
    assert message.context["link"] not in shown
    assert str(paid.payer.phone) not in shown
    Peer.objects.update(state="revoked")
    assert "/send-configuration/" not in page(support, path_of(paid))


# Refund by what is unused


def test_a_refund_proposes_what_is_unused(
    provider: FakeProvider, support: Client, unpaid: MobileMoneyTransaction
) -> None:
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    Subscription.objects.update(
        data_used_bytes=4 * GIGABYTE,
        starts_at=timezone.now() - timedelta(hours=12),
        ends_at=timezone.now() + timedelta(hours=12, seconds=30),
    )
    form = page(support, path_of(payment, "refund"))
    assert "days (0.5 of 1)" in form
    assert 'href="?amount=500"' in form
    assert "data (1 GB of 5 GB)" in form
    assert 'href="?amount=200"' in form
    assert 'value="200"' in page(support, path_of(payment, "refund") + "?amount=200")
    assert 'value="1000"' in page(support, path_of(payment, "refund") + "?amount=x")
    shown = send(support, path_of(payment, "refund"), amount=200, service="ends")
    transfer, subscription = Transfer.objects.get(), Subscription.objects.get()
    assert (transfer.amount, transfer.ends_service) == (200, True)
    assert (subscription.state, "What it had bought has ended" in shown) == ("ended", True)
    assert not Peer.objects.filter(state="active").exists()


def test_a_gesture_leaves_what_was_bought(
    provider: FakeProvider, support: Client, unpaid: MobileMoneyTransaction
) -> None:
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    send(support, path_of(payment, "refund"), amount=200, service="goes_on")
    assert (Transfer.objects.get().amount, Subscription.objects.get().state) == (200, "active")


def test_what_another_purchase_keeps_alive_is_not_proposed_as_unused(
    provider: FakeProvider, support: Client, unpaid: MobileMoneyTransaction
) -> None:
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
    pay(payment.payer, Subscription.objects.get().bundle)
    form = page(support, path_of(payment, "refund"))
    assert "Another purchase pays for the same service" in form
    assert "?amount=" not in form


def test_what_has_bought_nothing_yet_goes_back_without_a_word_of_service(
    provider: FakeProvider, support: Client, unserved: Payment
) -> None:
    assert 'name="service"' not in page(support, path_of(unserved, "refund"))
    send(support, path_of(unserved, "refund"), amount=1000)
    assert Transfer.objects.get().ends_service is False


def test_no_more_goes_back_than_is_left(
    provider: FakeProvider, support: Client, unpaid: MobileMoneyTransaction
) -> None:
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    shown = send(support, path_of(payment, "refund"), amount=1001, service="ends")
    assert "At most 1,000 shillings" in shown
    assert not Transfer.objects.exists()


# Notes, deliveries, statements


def test_a_note_is_in_the_story_and_on_the_customers_page(support: Client, paid: Payment) -> None:
    send(support, path_of(paid, "note"), why="The shop has paid for her.")
    assert Note.objects.get().subject == f"payment:{paid.public_id}"
    assert page(support, path_of(paid)).count("The shop has paid for her.") == 2
    customer = page(support, f"/admin/accounts/user/{paid.payer_id}/change/")
    assert "The shop has paid for her." in customer


def test_a_delivery_is_processed_again_from_the_story(support: Client, paid: Payment) -> None:
    delivery = WebhookDelivery.objects.get()
    again = f"/admin/payments/webhookdelivery/{delivery.pk}/process-again/"
    assert again not in page(support, path_of(paid))
    WebhookDelivery.objects.update(state=WebhookDelivery.State.HINT)
    assert again in page(support, path_of(paid))
    send(support, again)
    delivery.refresh_from_db()
    assert delivery.next_try_at is not None
    entry = LogEntry.objects.get()
    assert entry.change_message == "The delivery is being processed. Reason: the reason"
    page(signed_in(role="auditor"), again, status=403)


def test_the_statement_is_in_the_story_with_its_rule(support: Client, paid: Payment) -> None:
    attempt = paid.attempts.get()
    file = StatementFile.objects.create(
        provider=attempt.provider,
        account="710001",
        name="july.csv",
        sha256="0" * 64,
    )
    line = StatementLine.objects.create(
        provider=attempt.provider,
        account="710001",
        receipt="MFS777",
        kind="collection",
        is_incoming=True,
        amount=1000,
        completed_at=timezone.now(),
        row_hash="1" * 64,
        file=file,
        row=1,
        details=f"from {attempt.customer_phone}",
    )
    Match.objects.create(
        line=line, attempt=attempt, rule="R1", state="confirmed", why="receipt and amount agree"
    )
    story = page(support, path_of(paid))
    assert "On the statement: receipt and amount, confirmed" in story
    assert "MFS777, +1,000 TZS" in story


# Who reads what


def test_only_who_sees_phones_reads_them_anywhere(
    unpaid: MobileMoneyTransaction, paid: Payment
) -> None:
    attempt = paid.attempts.get()
    digits = attempt.customer_phone.removeprefix("+")
    attempt.calls.create(
        kind="push",
        request={"CustomerMSISDN": digits},
        response={"text": f"sent to 0{digits[3:]}"},
        message=f"to {digits}",
    )
    delivery = WebhookDelivery.objects.get()
    delivery.body = f'{{"MSISDN": "{digits}"}}'.encode()
    delivery.save()
    peer, message = Peer.objects.get(), Message.objects.latest("id")
    pages = [
        path_of(paid),
        "/admin/payments/payment/",
        "/admin/payments/mobilemoneytransaction/",
        f"/admin/payments/mobilemoneytransaction/{attempt.pk}/change/",
        f"/admin/payments/webhookdelivery/{delivery.pk}/change/",
        "/admin/notifications/message/",
        f"/admin/notifications/message/{message.pk}/change/",
        "/admin/vpn/peer/",
        f"/admin/vpn/peer/{peer.pk}/change/",
    ]
    for role in ("support", "finance", "manager", "auditor"):
        for path in pages:
            assert digits[3:] not in page(signed_in(role=role), path), f"{role} at {path}"
    for path in pages:
        assert digits[3:] in page(signed_in(role="administrator"), path), path


def test_support_has_the_phone_shown_on_the_payments_page(support: Client, paid: Payment) -> None:
    phone = paid.attempts.get().customer_phone
    show = f"/admin/accounts/user/{paid.payer_id}/show-phone/"
    assert show in page(support, path_of(paid))
    answer = support.post(show, {"next": path_of(paid)}, follow=True)
    assert answer.redirect_chain[0][0] == path_of(paid)
    assert phone in answer.content.decode()


@pytest.mark.parametrize("role", ["finance", "manager", "auditor", "administrator"])
def test_the_others_are_offered_none_of_supports_verbs(role: str, paid: Payment) -> None:
    client = signed_in(role=role)
    page(client, path_of(paid, "refund"), status=403)
    page(client, path_of(paid, "activate-again"), status=403)
    assert "/refund/" not in page(client, path_of(paid))


def test_nobody_reads_the_link_that_was_sent(staff: Client, paid: Payment) -> None:
    message = Message.objects.get(message_id="vpn_ready")
    for path in (
        "/admin/notifications/message/",
        f"/admin/notifications/message/{message.pk}/change/",
    ):
        assert message.context["link"] not in page(staff, path)


def test_money_sent_names_no_phone(provider: FakeProvider, unpaid: MobileMoneyTransaction) -> None:
    payment = hear(unpaid.payment, replace(SENT, amount=1000))
    transfer = refund(payment, 400)
    digits = transfer.phone[4:]
    for role, is_whole in (("finance", False), ("administrator", True)):
        client = signed_in(role=role)
        for path in ("", f"{transfer.pk}/change/"):
            shown = page(client, f"/admin/payments/transfer/{path}")
            assert (digits in shown) == is_whole, f"{role} at {path}"
