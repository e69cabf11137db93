"""A customer asks for money back and reads the decision; a receipt is a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Activation, Gift, Purchase, Subscription
from bundles.services.buy import buy_bundle
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear, pay
from cases.models import Case
from notifications.models import Message
from payments.models import Payment, Transfer
from payments.tests.factories import a_customer, a_phone
from payments.tests.outgoing import FakeProvider
from payments.tests.outgoing import provider as provider
from storefront.errors import AlreadyDecided
from storefront.models import RefundRequest
from storefront.services.ask_refund import decline, grant

pytestmark = pytest.mark.django_db(transaction=True)

App = Callable[[User], APIClient]
WHY = "It is too slow where I live."


@pytest.fixture
def paid(provider: FakeProvider) -> Payment:
    return pay(a_customer(), a_bundle())


def ask(app: APIClient, payment: Payment) -> Any:
    return app.post(f"/api/payments/refund/{payment.public_id}", {"why": WHY}, format="json")


def used() -> None:
    Subscription.objects.update(data_used_bytes=10**9)


def test_what_was_never_used_goes_back_at_once(paid: Payment, app_of: App) -> None:
    app = app_of(paid.payer)
    told = ask(app, paid).json()["data"]
    assert (told["state"], told["amount"]) == ("granted", 1_000)
    assert Subscription.objects.get().state == "ended"
    assert (
        Case.objects.filter(kind="refund_asked").values_list("state", flat=True).get() == "resolved"
    )
    assert Message.objects.filter(message_id="refund_granted").count() == 1
    listed = app.get("/api/payments/refunds").json()["data"]["refunds"]
    assert [each["payment_id"] for each in listed] == [paid.public_id]


@pytest.mark.parametrize("of", ["purchase", "subscription"])
def test_what_was_given_away_waits_for_staff(paid: Payment, app_of: App, of: str) -> None:
    """Else a friend would have it for nothing."""
    own = Subscription.objects.get()
    a_gift: dict[str, Any] = (
        {"purchase": Purchase.objects.get()} if of == "purchase" else {"subscription": own}
    )
    Gift.objects.create(
        giver=paid.payer,
        bundle=own.bundle,
        data_bytes=10**9,
        expires_at=timezone.now(),
        state=Gift.State.CLAIMED,
        claimed_by=a_customer(),
        ended_at=timezone.now(),
        **a_gift,
    )
    assert ask(app_of(paid.payer), paid).json()["data"]["state"] == "asked"


def test_a_part_of_a_waiting_gifts_price_leaves_it_waiting(
    provider: FakeProvider, app_of: App
) -> None:
    giver = a_customer()
    buying: dict[str, Any] = {
        "bundle_id": a_bundle().pk,
        "phone": giver.phone or "",
        "provider": "auto",
    }
    payment, _ = buy_bundle(customer=giver, gift_phone=a_phone(), **buying)
    ask(app_of(giver), hear(payment))
    for amount, state in ((300, "offered"), (700, "returned")):
        if request := RefundRequest.objects.filter(state="asked").first():
            grant(request_id=request.pk, amount=amount, by=a_customer(), why="agreed")
        assert Gift.objects.get().state == state
        Transfer.objects.update(state="succeeded")
        ask(app_of(giver), payment)


def test_what_was_used_waits_for_staff_and_is_asked_once(paid: Payment, app_of: App) -> None:
    used()
    app = app_of(paid.payer)
    first, again = ask(app, paid).json()["data"], ask(app, paid).json()["data"]
    assert (first["state"], first["id"]) == ("asked", again["id"])
    case = Case.objects.get(kind="refund_asked")
    assert (case.subject, case.amount, case.detail) == (f"payment:{paid.public_id}", 1_000, WHY)
    assert not Transfer.objects.exists()


def test_what_is_old_waits_for_staff(paid: Payment, app_of: App) -> None:
    Activation.objects.update(created_at=timezone.now() - timedelta(days=4))
    assert ask(app_of(paid.payer), paid).json()["data"]["state"] == "asked"


def test_more_than_two_in_a_month_are_looked_at(paid: Payment, app_of: App) -> None:
    for _ in range(2):
        RefundRequest.objects.create(
            payment=paid, customer=paid.payer, why="x", state="granted", decided_at=timezone.now()
        )
    assert ask(app_of(paid.payer), paid).json()["data"]["state"] == "asked"


def test_what_cannot_be_sent_now_waits_for_staff(
    paid: Payment, provider: FakeProvider, app_of: App
) -> None:
    provider.can(disburses=False)
    assert ask(app_of(paid.payer), paid).json()["data"]["state"] == "asked"


def test_staff_grant_a_part_and_the_service_ends(paid: Payment, app_of: App) -> None:
    used()
    ask(app_of(paid.payer), paid)
    request = RefundRequest.objects.get()
    boss = a_customer()
    made = grant(request_id=request.pk, amount=600, by=boss, why="Slow indeed.")
    assert made.transfer is not None
    assert (made.state, made.transfer.amount, made.decided_by) == ("granted", 600, boss)
    assert Subscription.objects.get().state == "ended"
    with pytest.raises(AlreadyDecided):
        grant(request_id=request.pk, amount=600, by=boss, why="x")
    with pytest.raises(AlreadyDecided):
        decline(request_id=request.pk, by=boss, why="x")
    assert Transfer.objects.count() == 1


def test_whoever_is_declined_reads_why_and_may_ask_again(paid: Payment, app_of: App) -> None:
    used()
    app = app_of(paid.payer)
    ask(app, paid)
    decline(request_id=RefundRequest.objects.get().pk, by=a_customer(), why="All was used.")
    listed = app.get("/api/payments/refunds").json()["data"]["refunds"]
    assert (listed[0]["state"], listed[0]["decision"]) == ("declined", "All was used.")
    assert "All was used." in Message.objects.get(message_id="refund_declined").text
    assert ask(app, paid).json()["data"]["state"] == "asked"


def test_what_was_not_paid_cannot_go_back(provider: FakeProvider, app_of: App) -> None:
    waiting = buy(a_customer(), a_bundle())
    answer = ask(app_of(waiting.payer), waiting)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_refundable")


def test_somebody_elses_payment_is_not_found(paid: Payment, app_of: App) -> None:
    other = app_of(a_customer())
    assert ask(other, paid).status_code == 404
    assert other.get(f"/api/payments/receipt/{paid.public_id}").status_code == 404
    assert not RefundRequest.objects.exists()


def test_staff_decide_in_the_admin(paid: Payment, app_of: App, client: Client) -> None:
    used()
    ask(app_of(paid.payer), paid)
    request = RefundRequest.objects.get()
    client.force_login(User.objects.create_superuser("b@example.test", "x", full_name="Boss"))
    page = f"/admin/storefront/refundrequest/{request.pk}"
    shown = client.get(f"{page}/grant/")
    assert "Unused: " in shown.content.decode()
    form = {"amount": 500, "why": "Slow.", "key": shown.context["form"]["key"].value()}
    client.post(f"{page}/grant/", form)
    request.refresh_from_db()
    assert (request.state, request.decision) == ("granted", "Slow.")
    assert client.get("/admin/storefront/refundrequest/999/grant/").status_code == 404


def test_a_receipt_is_a_pdf_of_what_was_bought(paid: Payment, app_of: App) -> None:
    Purchase.objects.update(tax_percent=18)
    answer = app_of(paid.payer).get(f"/api/payments/receipt/{paid.public_id}")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_what_was_not_paid_has_no_receipt(provider: FakeProvider, app_of: App) -> None:
    waiting = buy(a_customer(), a_bundle())
    answer: Any = app_of(waiting.payer).get(f"/api/payments/receipt/{waiting.public_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_receipt")


def test_the_web_asks_and_tells_the_decision(paid: Payment) -> None:
    used()
    User.objects.update(language="en")
    web = Client()
    web.post("/login", {"email": paid.payer.email, "password": "not-a-secret-1"})
    page = f"/payment/{paid.public_id}"
    assert f"{page}/refund" in web.get(page).content.decode()
    assert web.post(f"{page}/refund", {"why": ""}).status_code == 200
    assert web.post(f"{page}/refund", {"why": WHY})["Location"] == page
    assert "The decision comes by SMS" in web.get(page).content.decode()
    assert web.get(f"{page}/receipt").content.startswith(b"%PDF-")
