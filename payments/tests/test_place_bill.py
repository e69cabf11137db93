"""Staff give money in suspense to whoever has paid it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cases.models import Case
from notifications.models import Message
from payments import ledger
from payments.errors import NotPlaceable
from payments.models import Bill, MobileMoneyTransaction, Payment, PaymentEvent, Posting
from payments.services.place_bill import place_bill
from payments.tests.factories import a_customer
from payments.tests.test_receive_bill import PROVIDER_ACCOUNT, RECEIPT, SUSPENSE, confirm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bill() -> Bill:
    confirm()
    return Bill.objects.get()


@pytest.fixture
def support(client: Client) -> User:
    """Staff who may read bills and no more."""
    person = User.objects.create_user("support@example.test", "x", full_name="S", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_bill"))
    client.force_login(person)
    return person


@pytest.fixture
def finance(support: User) -> User:
    support.user_permissions.add(Permission.objects.get(codename="place_bill"))
    return support


def path(bill: Bill) -> str:
    return reverse("admin:payments_bill_place", args=[bill.pk])


def send(client: Client, bill: Bill, **fields: str) -> Any:
    return client.post(path(bill), fields)


@pytest.mark.parametrize("by_phone", [True, False])
def test_the_money_becomes_the_customers_credit(
    client: Client, finance: User, bill: Bill, by_phone: bool
) -> None:
    customer = a_customer()
    named = "0" + (customer.phone or "")[4:] if by_phone else customer.email.upper()
    assert client.get(path(bill)).status_code == 200
    answer = send(client, bill, customer=named, why="has shown the receipt")
    assert answer.status_code == 302
    bill.refresh_from_db()
    paid = Payment.objects.get()
    assert (bill.state, bill.payment, bill.payer) == ("placed", paid, customer)
    assert (ledger.balance(SUSPENSE), ledger.balance(PROVIDER_ACCOUNT)) == (0, 5000)
    assert (ledger.balance(ledger.RECEIPTS), ledger.credit_of(customer.pk)) == (0, 5000)
    assert MobileMoneyTransaction.objects.get().provider_transaction_id == RECEIPT
    case, event = Case.objects.get(), PaymentEvent.objects.get()
    assert (case.state, case.resolution, case.owner) == (
        "resolved",
        "has shown the receipt",
        finance,
    )
    assert (event.source, "has shown the receipt" in event.evidence) == ("staff", True)
    assert "has shown the receipt" in LogEntry.objects.get().change_message
    assert Message.objects.get().to == customer.phone
    assert confirm()[0] == "repeated"


@pytest.mark.parametrize(
    "fields",
    [
        {"customer": "nobody@example.test", "why": "x"},
        {"customer": "0754999999", "why": "x"},
        {"customer": "support@example.test", "why": " "},
        {"customer": "", "why": "x"},
    ],
)
def test_a_customer_and_a_reason_are_required(
    client: Client, finance: User, bill: Bill, fields: dict[str, str]
) -> None:
    assert send(client, bill, **fields).status_code == 200
    assert not Payment.objects.exists()


def test_who_may_only_read_places_nothing(client: Client, support: User, bill: Bill) -> None:
    assert client.get("/admin/payments/bill/").status_code == 200
    page = client.get(f"/admin/payments/bill/{bill.pk}/change/")
    assert (page.status_code, "Place this money" in page.content.decode()) == (200, False)
    assert send(client, bill, customer="support@example.test", why="x").status_code == 403
    assert not Payment.objects.exists()


def test_the_action_is_offered_for_suspense_alone(
    client: Client, finance: User, bill: Bill
) -> None:
    page = f"/admin/payments/bill/{bill.pk}/change/"
    assert "Place this money" in client.get(page).content.decode()
    place_bill(bill_id=bill.pk, customer_id=a_customer().pk, why="x", by=finance)
    assert "Place this money" not in client.get(page).content.decode()
    other = a_customer()
    assert send(client, bill, customer=other.email, why="x").status_code == 302
    assert not LogEntry.objects.exists()
    assert ledger.credit_of(other.pk) == 0
    with pytest.raises(NotPlaceable):
        place_bill(bill_id=bill.pk, customer_id=finance.pk, why="x", by=finance)
    assert Posting.objects.count() == 3


def test_bills_are_found_by_what_a_customer_reads_out(
    client: Client, finance: User, bill: Bill
) -> None:
    Bill.objects.update(msisdn="255754000001")
    for term in (RECEIPT, bill.bill_reference, "754000001", bill.our_id):
        answer: Any = client.get("/admin/payments/bill/", {"q": term, "state__exact": "suspense"})
        assert list(answer.context["cl"].result_list) == [bill]
