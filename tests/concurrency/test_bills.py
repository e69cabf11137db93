"""A bill is taken once, however many ask or tell of it at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import User
from cases.models import Case
from payments import ledger
from payments.bills import payables
from payments.models import Bill, MobileMoneyTransaction, Payment, Posting
from payments.tests.bills import COMPANY, TXNID, ask, knows, payment
from payments.tests.conftest import providers as providers
from payments.tests.conftest import sold as sold
from payments.tests.factories import a_customer, a_payment
from payments.tests.test_receive_bill import PROVIDER_ACCOUNT, SUSPENSE, confirm, push_succeeds
from tests.at_once import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = COMPANY


@pytest.fixture
def known(db: None) -> Iterator[User]:
    customer = a_customer()
    with payables.temporarily(knows(customer)):
        yield customer


def test_ten_times_the_same_question_is_one_bill_and_one_answer(known: User) -> None:
    ended = at_once([partial(ask, payment())] * 10)

    assert ended.errors == []
    assert all(answer == ended.results[0] for answer in ended.results)
    assert ended.results[0]["RESULT"] == "TS"
    assert Bill.objects.count() == Payment.objects.count() == Posting.objects.count() == 1
    assert ended.results[0]["REFID"] == Bill.objects.get().our_id


def test_ten_times_an_unknown_reference_is_one_refusal() -> None:
    ended = at_once([partial(ask, payment())] * 10)

    assert ended.errors == []
    assert {answer["REFID"] for answer in ended.results} == {Bill.objects.get().our_id}
    assert not Posting.objects.exists()


def test_ten_times_the_same_confirmation_is_one_collection(known: User) -> None:
    ended = at_once([confirm] * 10)

    assert ended.errors == []
    assert [state for state, _ in ended.results].count("applied") == 1
    assert Bill.objects.count() == Payment.objects.count() == 1
    assert ledger.balance(PROVIDER_ACCOUNT) == 5000


def test_ten_times_the_same_unknown_confirmation_is_one_suspense() -> None:
    ended = at_once([confirm] * 10)

    assert ended.errors == []
    assert (Bill.objects.count(), ledger.balance(SUSPENSE)) == (1, -5000)
    assert Case.objects.count() == 1


@pytest.mark.parametrize("with_reference", [True, False])
def test_a_push_and_its_confirmation_at_once_are_one_collection(with_reference: bool) -> None:
    """Ten pairs, as the order of the two is chance."""
    attempts = [a_payment(amount=5000) for _ in range(5)]
    calls: list[Callable[[], Any]] = []
    for number, attempt in enumerate(attempts):
        reference = attempt.reference if with_reference else ""
        told = partial(confirm, TransID=f"R{number}", BillRefNumber=reference)
        calls += [partial(push_succeeds, attempt, f"R{number}"), told]

    ended = at_once(calls)

    assert ended.errors == []
    assert Payment.objects.filter(state="completed").count() == 5
    assert ledger.balance(PROVIDER_ACCOUNT) == 25_000
    assert (ledger.balance(SUSPENSE), ledger.balance(ledger.RECEIPTS)) == (0, -25_000)
    assert not Case.objects.filter(state="open").exists()


def test_whoever_is_kept_waiting_by_a_lock_is_asked_to_come_again(known: User) -> None:
    """Another has the receipt and does not finish: the provider must not wait for it."""
    is_held, may_end = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                other = a_customer()
                held = Payment.objects.create(
                    payer=other, subject="x", amount=1, payment_method="tigo_pesa"
                )
                MobileMoneyTransaction.objects.create(
                    payment=held, provider="tigo_pesa", dialect="tigo_pesa",
                    customer_phone="", provider_transaction_id=TXNID,
                )  # fmt: skip
                is_held.set()
                may_end.wait(60)
                transaction.set_rollback(True)
        finally:
            connection.close()

    holder = Thread(target=hold)
    holder.start()
    assert is_held.wait(10)
    began = time.monotonic()
    answer = ask(payment())
    waited = time.monotonic() - began
    may_end.set()
    holder.join()

    assert answer["ERRORCODE"] == "error111"
    assert waited < 8, "M-Pesa waits no longer (2.7)"
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.innodb_lock_wait_timeout > 1")
        assert cursor.fetchone() == (1,)
    assert not Bill.objects.exists()
    assert ask(payment())["RESULT"] == "TS"
