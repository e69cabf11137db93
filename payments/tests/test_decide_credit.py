"""Credit above the limit of four eyes: asked for by one person, given by another, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from cases.models import Case
from notifications.models import Message
from payments import ledger
from payments.errors import NotDecidable, NotPlaceable
from payments.models import (
    Bill,
    Bucket,
    CreditRequest,
    MobileMoneyTransaction,
    StatementLine,
    TransferRules,
)
from payments.services.decide_credit import approve_credit, reject_credit
from payments.services.match.run import match_statements
from payments.services.place_bill import place_bill
from payments.services.place_line import place_line
from payments.tests.factories import a_customer
from payments.tests.matching import a_line, an_order
from payments.tests.test_receive_bill import SUSPENSE, confirm

pytestmark = pytest.mark.django_db(transaction=True)
Ask = Callable[[User], CreditRequest]


@pytest.fixture(autouse=True)
def few(transactional_db: None) -> None:
    TransferRules.objects.create(pk=1, four_eyes_above=799)


@pytest.fixture
def finance() -> User:
    return User.objects.create_superuser("finance@example.test", "x", full_name="Finance")


@pytest.fixture
def second() -> User:
    return User.objects.create_superuser("second@example.test", "x", full_name="Second")


@pytest.fixture
def customer() -> User:
    return a_customer()


@pytest.fixture
def line() -> StatementLine:
    line = a_line("QA9", 800)
    match_statements()
    line.refresh_from_db()
    return line


def asked_of(line: StatementLine, customer: User, by: User) -> CreditRequest:
    made = place_line(line_id=line.pk, customer_id=customer.pk, by=by, why="her receipt")
    assert isinstance(made, CreditRequest)
    return made


def test_a_line_waits_and_is_given_by_somebody_else(
    line: StatementLine, customer: User, finance: User, second: User
) -> None:
    asked = asked_of(line, customer, finance)
    assert asked == asked_of(line, customer, second)  # asked twice, it is asked once
    assert (asked.amount, asked.state, asked.asked_by) == (800, "asked", finance)
    assert (ledger.credit_of(customer.pk), line.bucket) == (0, Bucket.PAID_NO_ORDER)
    assert not MobileMoneyTransaction.objects.exists()
    for nobody in (finance, customer):
        with pytest.raises(NotDecidable):
            approve_credit(request_id=asked.pk, by=nobody, why="mine")
    approve_credit(request_id=asked.pk, by=second, why="seen")
    line.refresh_from_db()
    assert (ledger.credit_of(customer.pk), line.bucket) == (800, Bucket.MATCHED)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.decided_why) == ("approved", second, "seen")
    assert not Case.objects.filter(state="open").exists()
    with pytest.raises(NotDecidable):
        approve_credit(request_id=asked.pk, by=second, why="again")
    assert ledger.credit_of(customer.pk) == 800


def test_up_to_the_limit_one_person_gives_it(customer: User, finance: User) -> None:
    line = a_line("QA9", 799)
    match_statements()
    place_line(line_id=line.pk, customer_id=customer.pk, by=finance, why="her receipt")
    assert (ledger.credit_of(customer.pk), CreditRequest.objects.count()) == (799, 0)


def test_a_bill_waits_in_suspense(customer: User, finance: User, second: User) -> None:
    confirm()
    bill = Bill.objects.get()
    asked = place_bill(bill_id=bill.pk, customer_id=customer.pk, why="hers", by=finance)
    assert isinstance(asked, CreditRequest)
    assert (ledger.balance(SUSPENSE), ledger.credit_of(customer.pk)) == (-5000, 0)
    approve_credit(request_id=asked.pk, by=second, why="seen")
    bill.refresh_from_db()
    assert (bill.state, ledger.balance(SUSPENSE)) == ("placed", 0)
    assert ledger.credit_of(customer.pk) == 5000


def test_a_line_of_money_in_suspense_takes_it_from_there(
    customer: User, finance: User, second: User
) -> None:
    confirm()
    bill = Bill.objects.get()
    line = a_line(bill.receipt, bill.amount)
    match_statements()
    asked = asked_of(line, customer, finance)
    approve_credit(request_id=asked.pk, by=second, why="seen")
    assert (ledger.balance(SUSPENSE), ledger.credit_of(customer.pk)) == (0, 5000)


def test_what_is_rejected_lies_where_it_was_and_may_be_asked_for_again(
    line: StatementLine, customer: User, finance: User, second: User
) -> None:
    asked = asked_of(line, customer, finance)
    with pytest.raises(NotDecidable):
        reject_credit(request_id=asked.pk, by=finance, why="mine")
    reject_credit(request_id=asked.pk, by=second, why="of another shop")
    assert (ledger.credit_of(customer.pk), Message.objects.count()) == (0, 0)
    assert asked_of(line, customer, finance) != asked


def test_what_was_matched_meanwhile_is_not_given_too(
    line: StatementLine, customer: User, finance: User, second: User
) -> None:
    asked = asked_of(line, customer, finance)
    an_order(amount=800, receipt="QA9")
    match_statements()
    with pytest.raises(NotPlaceable):
        approve_credit(request_id=asked.pk, by=second, why="seen")
    asked.refresh_from_db()
    assert (asked.state, ledger.credit_of(customer.pk)) == ("asked", 0)


def test_another_amount_by_now_is_not_what_was_asked_for(
    line: StatementLine, customer: User, finance: User, second: User
) -> None:
    asked = asked_of(line, customer, finance)
    StatementLine.objects.update(amount=900)
    with pytest.raises(NotDecidable):
        approve_credit(request_id=asked.pk, by=second, why="seen")
    assert ledger.credit_of(customer.pk) == 0
    assert not MobileMoneyTransaction.objects.exists()


@pytest.mark.parametrize(("verb", "credit"), [("approve", 800), ("reject", 0)])
def test_it_is_decided_on_its_page(
    client: Client, line: StatementLine, customer: User, finance: User, verb: str, credit: int
) -> None:
    client.force_login(finance)
    body = {"customer": customer.email, "why": "her receipt", "key": "k"}
    client.post(f"/admin/payments/match/line/{line.pk}/place/", body)
    asked = CreditRequest.objects.get()
    page = f"/admin/payments/creditrequest/{asked.pk}"
    client.post(f"{page}/{verb}/", {"why": "mine", "key": "k"})
    assert CreditRequest.objects.get().state == "asked"
    other = User.objects.create_user("o@example.test", "x", full_name="Other", is_staff=True)
    other.groups.add(Group.objects.get(name="finance"))
    client.force_login(other)
    assert client.get("/admin/payments/creditrequest/").status_code == 200
    assert f"{page}/{verb}/" in client.get(f"{page}/change/").content.decode()
    assert "her receipt" in client.get(f"{page}/{verb}/").content.decode()
    for _ in range(2):
        client.post(f"{page}/{verb}/", {"why": "as I see it", "key": "k"})
    assert ledger.credit_of(customer.pk) == credit
    assert "as I see it" in LogEntry.objects.latest("pk").change_message
    assert client.get(f"{page}/{verb}/").status_code == 403


def test_support_decides_nothing(
    client: Client, line: StatementLine, customer: User, finance: User
) -> None:
    asked = asked_of(line, customer, finance)
    person = User.objects.create_user("s@example.test", "x", full_name="S", is_staff=True)
    person.groups.add(Group.objects.get(name="support"))
    client.force_login(person)
    page = f"/admin/payments/creditrequest/{asked.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    assert client.post(f"{page}/approve/", {"why": "x", "key": "k"}).status_code == 403
