"""What staff decide of a line, and that nothing is adjusted by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from cases.models import Case
from payments import ledger
from payments.bills import Payable, payables
from payments.errors import NotDecidable, NotPlaceable
from payments.models import (
    Bill,
    Bucket,
    Match,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    StatementLine,
    TransferRules,
)
from payments.services.decide_match import (
    accept_success,
    confirm_match,
    match_by_hand,
    undo_match,
)
from payments.services.match.run import match_statements
from payments.services.place_line import place_line
from payments.states import State
from payments.tests.factories import a_customer, a_payment
from payments.tests.matching import Kind, a_line, a_transfer, an_order
from payments.tests.test_receive_bill import SUSPENSE, confirm

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+255754000001"


@pytest.fixture
def finance() -> User:
    return User.objects.create_superuser("finance@example.test", "x", full_name="Finance")


@pytest.fixture
def second() -> User:
    return User.objects.create_superuser("second@example.test", "x", full_name="Second")


@pytest.fixture
def few() -> None:
    """The limit of four eyes lies under what lines are of."""
    TransferRules.objects.create(pk=1, four_eyes_above=500)


def bucket(line: StatementLine) -> str:
    line.refresh_from_db()
    return line.bucket


def test_a_suggestion_is_confirmed_by_a_row_of_its_own(finance: User) -> None:
    order = an_order(phone=PHONE)
    line = a_line(msisdn=PHONE)
    match_statements()
    suggestion = Match.objects.get()
    confirm_match(match_id=suggestion.pk, by=finance, why="seen in the portal")
    made = Match.objects.get(is_live=True)
    assert (made.attempt, made.state, made.by, made.contra_of) == (
        order,
        "confirmed",
        finance,
        suggestion,
    )
    assert bucket(line) == Bucket.MATCHED
    assert not Case.objects.filter(state="open").exists()
    with pytest.raises(NotDecidable):
        confirm_match(match_id=suggestion.pk, by=finance, why="again")


def test_an_undone_match_is_not_made_again(finance: User) -> None:
    an_order(receipt="QA1")
    line, fee = a_line("QA1"), a_line("QA1", -20, kind=Kind.FEE)
    match_statements()
    match = Match.objects.get(line=line)
    undo_match(match_id=match.pk, by=finance, why="of another shop")
    match_statements()
    match.refresh_from_db()
    assert (match.is_live, match.contra.state, match.contra.by) == (False, "undone", finance)
    assert (bucket(line), bucket(fee)) == (Bucket.PAID_NO_ORDER, Bucket.FEE_DIFFERENCE)
    assert Match.objects.filter(is_live=True).count() == 0


def test_a_match_by_hand_wants_equal_amounts(finance: User) -> None:
    order = an_order(amount=900)
    line = a_line(amount=1000)
    match_statements()
    with pytest.raises(NotDecidable, match="900"):
        match_by_hand(line_id=line.pk, reference=order.reference, by=finance, why="it is")
    right = an_order(amount=1000)
    made = match_by_hand(
        line_id=line.pk, reference=right.reference.lower(), by=finance, why="it is"
    )
    assert (made.rule, made.state, bucket(line)) == ("staff", "confirmed", Bucket.MATCHED)


def test_a_payment_has_one_line(finance: User) -> None:
    order = an_order(receipt="QA1")
    a_line("QA1")
    other = a_line("QA2")
    match_statements()
    with pytest.raises(NotDecidable):
        match_by_hand(line_id=other.pk, reference=order.reference, by=finance, why="it is")
    assert bucket(other) == Bucket.PAID_NO_ORDER


def test_above_the_limit_a_second_person_confirms(finance: User, second: User, few: None) -> None:
    order = an_order()
    line = a_line()
    match_statements()
    made = match_by_hand(line_id=line.pk, reference=order.reference, by=finance, why="it is")
    assert (made.state, bucket(line)) == ("suggested", Bucket.SUGGESTED)
    match_statements()
    assert bucket(line) == Bucket.SUGGESTED  # the rules leave it to that person
    with pytest.raises(NotDecidable, match="Somebody else"):
        confirm_match(match_id=made.pk, by=finance, why="mine")
    confirm_match(match_id=made.pk, by=second, why="I have seen it too")
    assert bucket(line) == Bucket.MATCHED


@pytest.mark.parametrize(
    ("line", "of"),
    [({"amount": -1000}, "order"), ({"amount": 700}, "transfer"), ({"currency": "KES"}, "order")],
)
def test_what_contradicts_is_refused(finance: User, line: Any, of: str) -> None:
    target = an_order() if of == "order" else a_transfer()
    made = a_line(**line)
    match_statements()
    with pytest.raises(NotDecidable):
        match_by_hand(line_id=made.pk, reference=target.reference, by=finance, why="it is")


def test_an_accepted_success_settles_the_payment(finance: User, sold: list[Payment]) -> None:
    attempt = a_payment()
    attempt.status = State.EXPIRED
    attempt.save()
    Payment.objects.update(state=State.EXPIRED)
    line = a_line("QA7", 1000, reference=attempt.reference)
    match_statements()
    assert bucket(line) == Bucket.LATE_SUCCESS
    accept_success(line_id=line.pk, reference=attempt.reference, by=finance, why="in the portal")
    attempt.refresh_from_db()
    assert (attempt.status, attempt.provider_transaction_id) == (State.COMPLETED, "QA7")
    assert PaymentEvent.objects.filter(source="statement", evidence__contains="Finance").exists()
    assert [payment.pk for payment in sold] == [attempt.payment_id]
    assert bucket(line) == Bucket.MATCHED


def test_above_the_limit_a_success_waits_too(finance: User, second: User, few: None) -> None:
    attempt = a_payment()
    line = a_line("QA7", 1000, reference=attempt.reference)
    match_statements()
    made = accept_success(line_id=line.pk, reference=attempt.reference, by=finance, why="portal")
    attempt.refresh_from_db()
    assert (attempt.status, bucket(line)) == (State.INITIATED, Bucket.SUGGESTED)
    confirm_match(match_id=made.pk, by=second, why="seen")
    attempt.refresh_from_db()
    assert (attempt.status, bucket(line)) == (State.COMPLETED, Bucket.MATCHED)


def test_money_without_an_order_becomes_its_customers_credit(finance: User) -> None:
    customer = a_customer()
    line = a_line("QA9", 800)
    match_statements()
    place_line(line_id=line.pk, customer_id=customer.pk, by=finance, why="her receipt")
    assert (ledger.credit_of(customer.pk), bucket(line)) == (800, Bucket.MATCHED)
    with pytest.raises(NotPlaceable):
        place_line(line_id=line.pk, customer_id=customer.pk, by=finance, why="again")
    assert ledger.credit_of(customer.pk) == 800


def test_money_in_suspense_is_placed_from_there(finance: User) -> None:
    confirm()
    bill, customer = Bill.objects.get(), a_customer()
    line = a_line(bill.receipt, bill.amount)
    match_statements()
    assert bucket(line) == Bucket.PAID_NO_ORDER
    place_line(line_id=line.pk, customer_id=customer.pk, by=finance, why="her receipt")
    bill.refresh_from_db()
    assert (bill.state, bucket(line)) == ("placed", Bucket.MATCHED)
    assert (ledger.balance(SUSPENSE), ledger.credit_of(customer.pk)) == (0, bill.amount)


def test_a_bill_that_was_taken_matches_by_its_receipt() -> None:
    customer = a_customer()
    payable = Payable(payer_id=customer.pk, name="J", subject="thing:1", amount=5000)
    with payables.temporarily(lambda reference: payable):
        confirm()
    attempt = MobileMoneyTransaction.objects.get()
    line = a_line(attempt.provider_transaction_id or "", 5000)
    match_statements()
    assert Match.objects.get(line=line).attempt == attempt


class TestPages:
    @pytest.fixture
    def client(self, client: Client, finance: User) -> Client:
        client.force_login(finance)
        return client

    def test_a_line_is_shown_beside_its_candidates_and_confirmed(self, client: Client) -> None:
        order = an_order(phone=PHONE)
        line = a_line(msisdn=PHONE)
        match_statements()
        page = client.get(f"/admin/payments/match/line/{line.pk}/decide/")
        assert page.status_code == 200
        assert order.reference in page.content.decode()
        assert "(the same)" in page.content.decode()
        match = Match.objects.get()
        link = reverse("admin:payments_match_confirm_it", args=[match.pk])
        assert link in page.content.decode()
        client.post(link, {"why": "seen", "key": "x"})
        assert bucket(line) == Bucket.MATCHED
        listed = client.get("/admin/payments/match/", {"q": line.receipt})
        assert listed.status_code == 200
        assert client.get(f"/admin/payments/match/{match.pk}/change/").status_code == 200

    @pytest.mark.parametrize("verb", ["match", "accept", "place"])
    def test_each_verb_asks_for_a_reason(self, client: Client, verb: str) -> None:
        line = a_line()
        match_statements()
        page = client.get(f"/admin/payments/match/line/{line.pk}/{verb}/")
        assert "Reason" in page.content.decode()

    def test_a_refusal_is_told_on_the_page(self, client: Client) -> None:
        line = a_line()
        match_statements()
        page = client.post(
            f"/admin/payments/match/line/{line.pk}/match/",
            {"reference": "NOSUCH", "why": "x", "key": "x"},
        )
        assert "No payment and no transfer" in page.content.decode()

    def test_money_is_given_to_a_customer_by_phone(self, client: Client) -> None:
        customer = a_customer()
        line = a_line("QA9", 800)
        match_statements()
        client.post(
            f"/admin/payments/match/line/{line.pk}/place/",
            {"customer": customer.phone, "why": "hers", "key": "x"},
        )
        assert ledger.credit_of(customer.pk) == 800

    def test_who_may_not_decide_cannot(self, client: Client) -> None:
        line = a_line()
        User.objects.update(is_superuser=False, is_staff=True)
        for verb in ("decide", "match", "accept", "place"):
            assert client.get(f"/admin/payments/match/line/{line.pk}/{verb}/").status_code == 403

    def test_what_has_its_line_already_is_shown_and_not_offered(
        self, client: Client, finance: User
    ) -> None:
        taken = an_order(phone=PHONE)
        free = an_order(phone=PHONE, payer=taken.payment.payer)
        one, other = a_line("QA1", msisdn=PHONE), a_line("QA2", msisdn=PHONE)
        match_statements()
        match_by_hand(line_id=one.pk, reference=taken.reference, by=finance, why="hers")
        page = client.get(f"/admin/payments/match/line/{other.pk}/decide/").content.decode()
        assert f"?reference={free.reference}" in page
        assert f"?reference={taken.reference}" not in page
        assert "It has its line: <code>QA1</code>" in page

    def test_a_receipt_is_shown_beside_the_one_that_we_know(self, client: Client) -> None:
        order = an_order(receipt="QAlO")
        line = a_line("QA10", reference=order.reference)
        match_statements()
        page = client.get(f"/admin/payments/match/line/{line.pk}/decide/").content.decode()
        assert "<code>QAlO</code> <strong>(not the same)</strong>" in page

    def test_an_other_amount_is_no_reason_and_is_not_offered(self, client: Client) -> None:
        order = an_order(receipt="QA1", amount=1540)
        line = a_line("QA1", 1450)
        match_statements()
        page = client.get(f"/admin/payments/match/line/{line.pk}/decide/").content.decode()
        assert "(-90 apart)" in page
        assert "R1: receipt</p>" in page
        assert f"?reference={order.reference}" not in page
        assert "2026 12:0" in Case.objects.get().detail, "as the statement writes the time"

    def test_phones_are_masked_and_compared_all_the_same(
        self, client: Client, finance: User
    ) -> None:
        an_order(phone=PHONE)
        line = a_line(msisdn=PHONE, details=f"from {PHONE}", party=PHONE[1:])
        match_statements()
        User.objects.update(is_superuser=False, is_staff=True)
        may = Permission.objects.filter(codename__in=["view_match", "decide_match"])
        finance.user_permissions.set(may)
        for verb in ("decide", "match"):
            page = client.get(f"/admin/payments/match/line/{line.pk}/{verb}/").content.decode()
            assert "255754***001" in page
            assert "754000001" not in page
            assert verb != "decide" or "(the same)" in page

    def test_the_line_page_takes_as_many_queries_for_many_candidates(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        first = an_order(phone=PHONE)
        for _ in range(5):
            an_order(phone=PHONE, payer=first.payment.payer)
        line = a_line(msisdn=PHONE)
        match_statements()
        with django_assert_max_num_queries(12):
            client.get(f"/admin/payments/match/line/{line.pk}/decide/")

    def test_the_rules_are_edited_within_bounds(self, client: Client) -> None:
        client.get("/admin/payments/matchingrules/1/change/")
        from payments.models import MatchingRules

        MatchingRules.current()
        values = {"suggest_under": 5000, "early_minutes": 2, "window_hours": 72, "wait_hours": 24}
        page = client.post("/admin/payments/matchingrules/1/change/", values)
        assert page.status_code == 200
        assert MatchingRules.current().suggest_under == 50
