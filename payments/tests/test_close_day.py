"""A day is closed against the statement: what differs is listed, to the shilling, and locked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cases.models import Case
from cases.services import open_case
from common.clock import day_bounds
from payments import ledger
from payments.days.calendar import is_closed, standing_of
from payments.days.figures import Figures, figures_of
from payments.days.hashes import hash_of
from payments.days.tills import all_tills, till_of
from payments.errors import DayNotReady, NotDecidable
from payments.invariants.days import INVARIANTS
from payments.models import (
    Bucket,
    Certificate,
    DayClose,
    Posting,
    ProviderName,
    StatementFile,
    StatementLine,
)
from payments.services.close_day import close_day
from payments.services.record_bank import Movement, record_bank
from payments.services.reopen_day import ask_to_reopen, decide_reopening
from payments.services.watch_closed_days import watch_closed_days
from payments.tests.days import (
    DAY,
    FLOAT,
    TIGO,
    Statement,
    a_person,
    booked,
    collection_till,
    match,
    noon,
    paid,
)
from payments.tests.factories import a_payment

NEXT = DAY + timedelta(days=1)
pytestmark = pytest.mark.django_db(transaction=True)


def closed(day: date = DAY, note: str = "") -> Figures:
    certificate = close_day(till=collection_till(), day=day, by=a_person(), note=note)
    return Figures.kept(certificate.figures)


def told(figures: Figures) -> dict[str, int]:
    return {each.why: each.amount for each in figures.differences}


# What differs


def test_a_day_on_which_everything_agrees_has_no_difference() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    paid(statement, 2000)
    figures = closed()
    assert (figures.closing, figures.ledger_closing) == (3000, 3000)
    assert (figures.differences, figures.unexplained, figures.breaks) == ([], 0, 0)
    assert (figures.kinds["collection"].count, figures.kinds["collection"].amount) == (2, 3000)
    assert figures.rules["R1"].count == 2
    assert figures.buckets["matched"].amount == 3000


def test_each_difference_is_listed_and_together_they_are_what_the_balances_differ_by() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    stray = statement.line(700, bucket=Bucket.PAID_NO_ORDER)
    lost = a_payment(TIGO, amount=400).payment
    booked(400, noon(), payment=lost)
    attempt = a_payment(TIGO, amount=900)
    booked(900, noon(), payment=attempt.payment)
    match(statement.line(950), attempt)
    figures = closed()
    assert told(figures) == {"not_booked": 700, "no_line": -400, "amount": 50}
    assert figures.unexplained == 0
    assert figures.closing - figures.ledger_closing == 350
    assert {(case.kind, case.subject) for case in Case.objects.all()} == {
        ("paid_no_order", f"line:{stray.pk}"),
        ("order_no_money", f"payment:{lost.public_id}"),
        ("amount_differs", f"payment:{attempt.payment.public_id}"),
    }
    assert {each.why: each.case for each in figures.differences} == {
        "not_booked": "Money on a statement for no order",
        "no_line": "Completed here, on no statement",
        "amount": "Another amount on the statement",
    }


def test_a_difference_whose_line_has_a_case_already_gets_no_other() -> None:
    statement = Statement()
    statement.file()
    attempt = a_payment(TIGO, amount=900)
    booked(900, noon(), payment=attempt.payment)
    line = statement.line(950, bucket=Bucket.AMOUNT_OVER)
    match(line, attempt)
    open_case(kind="amount_differs", subject=f"line:{line.pk}")
    assert [each.case for each in closed().differences] == ["Another amount on the statement"]
    assert Case.objects.count() == 1


def test_what_is_booked_after_midnight_is_carried_and_is_nothing_the_day_after() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000, at=day_bounds(NEXT)[0] + timedelta(seconds=5))
    statement.goes_on_after(NEXT)
    assert told(closed()) == {"other_day": 1000}
    assert not Case.objects.exists()
    figures = closed(NEXT)
    assert figures.differences == []
    assert figures.accounts[statement.account].by == "certificate"
    assert (figures.opening, figures.closing, figures.ledger_closing) == (1000, 1000, 1000)


def test_a_carried_line_that_is_matched_later_is_netted_with_what_it_was_matched_with() -> None:
    statement = Statement()
    statement.file()
    line = statement.line(700, bucket=Bucket.PAID_NO_ORDER)
    statement.goes_on_after(NEXT)
    closed()
    attempt = a_payment(TIGO, amount=700)
    booked(700, noon(NEXT), payment=attempt.payment)
    match(line, attempt, rule="staff")
    assert told(closed(NEXT)) == {}


def test_one_receipt_that_pays_two_orders_is_one_money() -> None:
    statement = Statement()
    statement.file()
    line = statement.line(1500)
    for amount in (1000, 500):
        attempt = a_payment(TIGO, amount=amount)
        booked(amount, noon(), payment=attempt.payment)
        match(line, attempt, rule="R7")
    assert told(closed()) == {}


def test_what_the_ledger_had_otherwise_before_the_first_day_is_a_difference_of_its_own() -> None:
    statement = Statement(balance=5000)
    statement.file()
    booked(4800, day_bounds(DAY)[0] - timedelta(days=1))
    paid(statement, 1000)
    figures = closed()
    assert (figures.opening, figures.ledger_opening) == (5000, 4800)
    assert told(figures) == {"opening": 200}


def test_lines_of_one_second_are_put_in_order_by_their_balances() -> None:
    statement = Statement(balance=100)
    statement.file()
    paid(statement, 10)
    for amount in (20, 30):
        paid(statement, amount)
    StatementLine.objects.filter(amount__gte=10).update(completed_at=noon())
    for line, after in zip(StatementLine.objects.order_by("pk"), (160, 150, 120), strict=True):
        StatementLine.objects.filter(pk=line.pk).update(balance=after)
    StatementLine.objects.filter(amount=10).update(balance=160)
    figures = figures_of(collection_till(), DAY)
    assert figures.closing == 160


def test_a_missing_row_is_unexplained_and_wants_a_note() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    statement.balance += 300  # its row is missing
    paid(statement, 500)
    StatementLine.objects.filter(amount=500).update(balance_breaks=True)
    with pytest.raises(DayNotReady, match="does not follow"):
        closed()
    assert not Certificate.objects.exists()
    assert not Posting.objects.filter(source__startswith="fees").exists()
    figures = closed(note="the provider confirms a row lost in the export")
    assert (figures.unexplained, figures.breaks, figures.differences) == (300, 1, [])


def test_what_was_unexplained_goes_on_as_a_listed_difference() -> None:
    test_a_missing_row_is_unexplained_and_wants_a_note()
    statement = Statement(balance=1800)
    statement.file(NEXT)
    statement.line(10, day=NEXT, kind="other")
    figures = closed(NEXT)
    assert told(figures) == {"earlier": 300, "not_booked": 10}
    assert figures.unexplained == 0


def test_money_in_suspense_is_the_line_with_its_receipt() -> None:
    from payments.models import Bill, WebhookDelivery

    statement = Statement()
    statement.file()
    line = statement.line(900, bucket=Bucket.PAID_NO_ORDER)
    delivery = WebhookDelivery.objects.create(
        dialect="tigo_pesa", trust="open", body=b"", body_bytes=0, next_try_at=None
    )
    bill = Bill.objects.create(
        provider=TIGO,
        dialect="tigo_pesa",
        receipt=line.receipt,
        amount=900,
        state="suspense",
        verdict="x",
        delivery=delivery,
    )
    booked(900, noon(), source=f"suspense:{bill.our_id}")
    assert told(closed()) == {}


amounts = st.integers(min_value=1, max_value=50_000)


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    both=st.lists(amounts, max_size=3),
    only_there=st.lists(amounts, max_size=3),
    only_here=st.lists(amounts, max_size=3),
    fees=st.lists(amounts, max_size=2),
    lost=st.integers(min_value=-500, max_value=500),
    before=st.integers(min_value=-500, max_value=500),
)
def test_the_differences_always_add_up(
    both: list[int],
    only_there: list[int],
    only_here: list[int],
    fees: list[int],
    lost: int,
    before: int,
) -> None:
    """Whatever one side has alone: statement less ledger is the listed, and what rows are missing."""
    with transaction.atomic():
        statement = Statement(balance=10_000)
        statement.file()
        booked(10_000 + before or 1, day_bounds(DAY)[0] - timedelta(days=1))
        for amount in both:
            attempt = a_payment(TIGO, amount=amount)
            booked(amount, noon(), payment=attempt.payment)
            match(statement.line(amount), attempt)
        statement.line(1, kind="other")
        statement.balance += lost
        for amount in only_there:
            statement.line(amount)
        for amount in fees:
            statement.line(-amount, kind="fee")
        for amount in only_here:
            booked(amount, noon())
        figures = figures_of(collection_till(), DAY)
        listed = sum(each.amount for each in figures.differences)
        assert figures.closing - figures.ledger_closing == listed + figures.unexplained
        is_seen = bool(only_there or fees)
        assert figures.unexplained == (lost if is_seen else 0)
        transaction.set_rollback(True)


# What closing books


def test_fees_settlements_and_top_ups_are_booked_once() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 10_000)
    statement.line(-150, kind="fee", bucket=Bucket.FEE_DIFFERENCE)
    statement.line(-50, kind="fee")
    settled = statement.line(-4000, kind="settlement", bucket=Bucket.OWN_MOVEMENT)
    known = statement.line(-1000, kind="settlement", bucket=Bucket.OWN_MOVEMENT)
    record_bank(
        movement=Movement.SETTLEMENT,
        provider=TIGO,
        amount=1000,
        reference=known.receipt,
        note="by hand",
    )
    figures = closed()
    assert ledger.balance(ledger.fees_account(TIGO)) == 200
    assert ledger.balance(ledger.BANK) == 5000
    assert figures.ledger_closing == 10_000 - 200 - 4000
    assert told(figures) == {"other_day": -1000}
    posting = record_bank(
        movement=Movement.SETTLEMENT,
        provider=TIGO,
        amount=4000,
        reference=settled.receipt,
        note="again",
    )
    assert posting.memo == f"To the bank {settled.receipt}"
    assert ledger.balance(ledger.BANK) == 5000


def test_a_fee_that_is_matched_with_its_payment_is_booked_by_the_day_all_the_same() -> None:
    statement = Statement()
    statement.file()
    payment = paid(statement, 10_000)
    match(statement.line(-50, kind="fee"), payment.attempts.get(), rule="R9")
    figures = closed()
    assert told(figures) == {}
    assert ledger.balance(ledger.fees_account(TIGO)) == 50
    assert figures.rules["R9"].amount == -50


@pytest.mark.parametrize("days", [-2, 1, 40])
def test_what_staff_recorded_by_the_banks_reference_is_not_booked_a_second_time(days: int) -> None:
    statement = Statement()
    statement.file()
    line = statement.line(-4000, kind="settlement", bucket=Bucket.OWN_MOVEMENT)
    with time_machine.travel(line.completed_at + timedelta(days=days)):
        record_bank(
            movement=Movement.SETTLEMENT, provider=TIGO, amount=4000, reference="CRDB77", note="x"
        )
    figures = closed()
    assert ledger.balance(ledger.BANK) == 4000
    assert told(figures)["bank"] == -4000


def test_what_an_account_that_only_disburses_is_filled_with_is_booked_there(settings: Any) -> None:
    settings.TIGO_PESA_DISBURSE_MSISDN = FLOAT
    own = till_of(TIGO, "disbursement")
    statement = Statement(account=FLOAT)
    statement.file()
    statement.line(50_000, kind="top_up", bucket=Bucket.OWN_MOVEMENT)
    moved = statement.line(20_000, kind="top_up", bucket=Bucket.OWN_MOVEMENT)
    collection = Statement(balance=30_000)
    collection.file()
    collection.line(-20_000, kind="top_up", receipt=moved.receipt, bucket=Bucket.OWN_MOVEMENT)
    close_day(till=own, day=DAY, by=a_person())
    assert ledger.balance(ledger.disbursement_account(TIGO)) == 70_000
    assert ledger.balance(ledger.collection_account(TIGO)) == -20_000
    assert ledger.balance(ledger.BANK) == -50_000
    assert is_closed(TIGO, DAY, FLOAT)
    assert not is_closed(TIGO, DAY, statement.account + "0")
    figures = closed()
    assert told(figures) == {"opening": 30_000}


@pytest.mark.parametrize("kind", ["top_up", "settlement"])
@pytest.mark.parametrize("closed_first", ["collection", "disbursement"])
@pytest.mark.parametrize(
    ("out", "into"),
    [
        ({"receipt": "C1"}, {"receipt": "D1", "linked_receipt": "C1"}),
        ({"receipt": "C1", "linked_receipt": "D1"}, {"receipt": "D1"}),
        (
            {"receipt": "C1", "linked_receipt": "X1"},
            {"receipt": "D1", "linked_receipt": "X1"},
        ),
    ],
)
def test_what_moves_between_two_of_our_accounts_is_booked_once_by_whichever_receipt(
    out: dict[str, Any], into: dict[str, Any], closed_first: str, kind: str, settings: Any
) -> None:
    settings.TIGO_PESA_DISBURSE_MSISDN = FLOAT
    booked(30_000, day_bounds(DAY)[0] - timedelta(days=1))
    moved: dict[str, Any] = {"bucket": Bucket.OWN_MOVEMENT}
    Statement(balance=30_000).line(-20_000, kind=kind, **moved, **out)
    Statement(account=FLOAT).line(20_000, kind="top_up", **moved, **into)
    for name in sorted(["collection", "disbursement"], key=lambda name: name != closed_first):
        certificate = close_day(till=till_of(TIGO, name), day=DAY, by=a_person())
        assert told(Figures.kept(certificate.figures)) == {}
    assert ledger.balance(ledger.disbursement_account(TIGO)) == 20_000
    assert ledger.balance(ledger.collection_account(TIGO)) == 10_000
    assert ledger.balance(ledger.BANK) == 0
    assert Posting.objects.filter(source__startswith="bank:").get().source == "bank:tigo_pesa:C1"


def test_what_staff_recorded_by_the_other_accounts_receipt_is_not_booked_a_second_time(
    settings: Any,
) -> None:
    settings.TIGO_PESA_DISBURSE_MSISDN = FLOAT
    booked(30_000, day_bounds(DAY)[0] - timedelta(days=1))
    moved: dict[str, Any] = {"kind": "top_up", "bucket": Bucket.OWN_MOVEMENT}
    line = Statement(balance=30_000).line(-20_000, receipt="C1", **moved)
    Statement(account=FLOAT).line(20_000, receipt="D1", linked_receipt="C1", **moved)
    with time_machine.travel(line.completed_at + timedelta(minutes=1)):
        record_bank(
            movement=Movement.FROM_COLLECTION,
            provider=TIGO,
            amount=20_000,
            reference="D1",
            note="by hand",
        )
    for name in ("collection", "disbursement"):
        certificate = close_day(till=till_of(TIGO, name), day=DAY, by=a_person())
        assert told(Figures.kept(certificate.figures)) == {}
    assert Posting.objects.filter(source__startswith="bank:").count() == 1


def test_what_is_booked_never_counts_for_a_day_before_a_closed_one(settings: Any) -> None:
    """The collection's next day is certified with the opening balance that it has."""
    settings.TIGO_PESA_DISBURSE_MSISDN = FLOAT
    collection, floating = Statement(), Statement(account=FLOAT)
    moved: dict[str, Any] = {"kind": "top_up", "bucket": Bucket.OWN_MOVEMENT}
    collection.line(-20_000, receipt="C1", **moved)
    floating.line(20_000, receipt="C1", **moved)
    filled = floating.line(50_000, **moved)
    collection.file(NEXT)
    collection.line(10, day=NEXT)
    certified = closed(NEXT)
    close_day(till=till_of(TIGO, "disbursement"), day=DAY, by=a_person())
    own, other = Posting.objects.filter(source__startswith="bank:").order_by("source")
    assert (own.source, own.value_at) == ("bank:tigo_pesa:C1", None)
    assert other.value_at == filled.completed_at
    assert figures_of(collection_till(), NEXT).ledger_opening == certified.ledger_opening


def test_each_provider_has_the_tills_that_the_settings_name(settings: Any) -> None:
    settings.TIGO_PESA_DISBURSE_MSISDN = ""
    settings.DISBURSEMENT_TILLS = {"DISB01": "airtel_money"}
    assert [(till.provider, till.kind) for till in all_tills()] == [
        ("vodacom_mpesa", "collection"),
        ("tigo_pesa", "collection"),
        ("airtel_money", "collection"),
        ("airtel_money", "disbursement"),
    ]
    mpesa = till_of(ProviderName.VODACOM_MPESA, "collection")
    assert len(mpesa.ledger_accounts) == 2
    assert len(till_of(ProviderName.AIRTEL_MONEY, "collection").ledger_accounts) == 1
    with pytest.raises(LookupError):
        till_of(ProviderName.VODACOM_MPESA, "disbursement")


# When it may be closed


def test_a_day_is_closed_only_when_its_files_hold_it_and_each_line_was_looked_at() -> None:
    statement = Statement()
    file = statement.file(taken_at=noon())
    line = statement.line(1000, bucket=Bucket.NEW)
    with pytest.raises(DayNotReady, match="No statement file holds the whole day"):
        closed()
    type(file).objects.filter(pk=file.pk).update(ends_at=day_bounds(DAY)[1])
    with pytest.raises(DayNotReady, match="1 lines were not looked at yet"):
        closed()
    StatementLine.objects.filter(pk=line.pk).update(bucket=Bucket.PAID_NO_ORDER)
    type(file).objects.filter(pk=file.pk).update(state="reading")
    with pytest.raises(DayNotReady, match="still being read"):
        closed()
    type(file).objects.filter(pk=file.pk).update(state="read")
    assert standing_of(collection_till(), DAY).state == "ready"
    closed()
    assert standing_of(collection_till(), DAY).state == "closed"


def test_a_day_without_a_line_is_closed_where_the_balances_around_it_join() -> None:
    statement = Statement()
    paid(statement, 1000)
    assert standing_of(collection_till(), NEXT).state == ""
    after = NEXT + timedelta(days=2)
    statement.file(after)
    paid(statement, 500, at=noon(after), day=after)
    days = [DAY + timedelta(days=number) for number in range(4)]
    standings = []
    for day in days:
        standings.append(standing_of(collection_till(), day).state)
        figures = closed(day)
        assert told(figures) == {}
        assert figures.closing == figures.ledger_closing == (1500 if day == after else 1000)
    assert standings == ["ready"] * 4


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (300, r"255710000000 had 1,000 TZS before it and 1,300 TZS after it"),
        (None, "nothing tells the balances around it"),
    ],
)
def test_a_day_without_a_line_is_not_closed_where_one_may_be_missing(
    after: int | None, why: str
) -> None:
    statement = Statement()
    paid(statement, 1000)
    statement.file(NEXT + timedelta(days=1))
    statement.balance += after or 0
    last = statement.line(5, day=NEXT + timedelta(days=1))
    if after is None:
        StatementFile.objects.filter(pk=last.file_id).update(opening_balance=None)
    closed()
    assert standing_of(collection_till(), NEXT).state == "open"
    with pytest.raises(DayNotReady, match=why):
        closed(NEXT)
    whole = statement.file(NEXT + timedelta(days=2))
    StatementFile.objects.filter(pk=whole.pk).update(begins_at=noon(), ends_at=last.completed_at)
    closed(NEXT)


def test_a_file_taken_before_the_day_was_over_holds_it_where_the_next_one_follows() -> None:
    statement = Statement()
    statement.file(taken_at=noon())
    paid(statement, 1000)
    with pytest.raises(DayNotReady, match="goes on after it"):
        closed()
    statement.goes_on_after(DAY)
    assert told(closed()) == {}


def test_each_account_that_is_in_use_has_to_hold_the_day() -> None:
    statement, other = Statement(), Statement(account="255710000009")
    paid(statement, 1000)
    for day in (DAY - timedelta(days=1), NEXT):
        other.file(day)
        other.line(10, day=day)
        other.balance += 5
    with pytest.raises(DayNotReady, match="255710000009 had 10 TZS before it and 15 TZS after"):
        closed()


def test_days_are_closed_in_their_order() -> None:
    statement = Statement()
    for day in (DAY - timedelta(days=1), DAY, NEXT, NEXT + timedelta(days=1)):
        statement.file(day)
        statement.line(10, day=day)
    closed()
    with pytest.raises(DayNotReady, match="Close the days after"):
        closed(NEXT + timedelta(days=1))
    with pytest.raises(DayNotReady, match="which is after it"):
        closed(DAY - timedelta(days=1))


def test_a_day_closed_twice_has_one_certificate() -> None:
    paid(Statement(), 1000)
    by = a_person()
    first = close_day(till=collection_till(), day=DAY, by=by)
    assert close_day(till=collection_till(), day=DAY, by=by) == first
    assert Certificate.objects.count() == 1


# Locked


def test_certificates_are_a_chain_and_cannot_be_changed() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    statement.goes_on_after(NEXT)
    closed()
    closed(NEXT)
    second, first = Certificate.objects.all()
    assert first.previous_hash == ""
    assert second.previous_hash == first.hash
    assert [hash_of(each) for each in (first, second)] == [first.hash, second.hash]
    first.figures["breaks"] = 1
    assert hash_of(first) != first.hash
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Certificate.objects.filter(pk=first.pk).update(note="x")


@pytest.mark.parametrize("change", ["new", "changed"])
def test_a_closed_day_whose_lines_change_is_marked_and_its_certificate_is_not(change: str) -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    closed()
    assert watch_closed_days() == 0
    certificate = Certificate.objects.get()
    if change == "new":
        statement.line(500)
    else:
        StatementLine.objects.update(version=2, bucket=Bucket.NEW)
    assert watch_closed_days() == 1
    assert watch_closed_days() == 0
    assert standing_of(collection_till(), DAY).state == "changed"
    assert Case.objects.get(kind="day_changed").subject == f"day:tigo_pesa:collection:{DAY}"
    again = Certificate.objects.get()
    assert (again.hash, again.figures) == (certificate.hash, certificate.figures)
    assert is_closed(TIGO, DAY)


def test_lines_that_only_the_hash_tells_apart_are_found_by_the_daily_check() -> None:
    """One more here, one less there: count, versions and sum are as they were."""
    lines_hold = next(each for each in INVARIANTS if each.id == "D-04")
    statement = Statement()
    for amount in (1000, 2000):
        paid(statement, amount)
    closed()
    StatementLine.objects.update(bucket=Bucket.PAID_NO_ORDER)
    assert list(lines_hold.find()) == []
    StatementLine.objects.update(amount=3000 - F("amount"))
    assert watch_closed_days() == 0
    assert [each.subject for each in lines_hold.find()] == [f"day:tigo_pesa:collection:{DAY}"]
    DayClose.objects.update(changed_at=noon())
    assert list(lines_hold.find()) == []


def test_a_day_of_an_account_that_is_no_more_does_not_keep_others_from_being_watched() -> None:
    statement = Statement()
    paid(statement, 1000)
    closed()
    gone = DayClose.objects.create(
        provider=TIGO, kind="disbursement", day=DAY, state=DayClose.State.CLOSED
    )
    certificate = Certificate.objects.get()
    certificate.pk, certificate.hash, certificate.day_close = None, "x", gone
    certificate.save(force_insert=True)
    statement.line(500)
    assert watch_closed_days() == 1
    assert standing_of(collection_till(), DAY).state == "changed"


def test_a_closed_day_that_has_not_changed_is_not_locked() -> None:
    paid(Statement(), 1000)
    closed()
    with CaptureQueriesContext(connection) as asked:
        assert watch_closed_days() == 0
    assert not any("daylock" in each["sql"] for each in asked)


def test_a_closed_day_is_opened_by_a_second_person_and_with_it_the_days_after() -> None:
    statement = Statement()
    statement.file()
    paid(statement, 1000)
    statement.goes_on_after(NEXT)
    closed()
    closed(NEXT)
    one, two = a_person(), a_person()
    asked = ask_to_reopen(till=collection_till(), day=DAY, by=one, why="a late file")
    assert ask_to_reopen(till=collection_till(), day=DAY, by=two, why="again") == asked
    assert is_closed(TIGO, DAY)
    with pytest.raises(NotDecidable, match="second person"):
        decide_reopening(reopening_id=asked.pk, by=one, why="me", is_approved=True)
    opened = decide_reopening(reopening_id=asked.pk, by=two, why="right", is_approved=True)
    assert [row.day for row in opened] == [DAY, NEXT]
    assert not is_closed(TIGO, DAY)
    with pytest.raises(NotDecidable, match="before"):
        decide_reopening(reopening_id=asked.pk, by=two, why="twice", is_approved=True)
    asked.refresh_from_db()
    assert (asked.why, asked.decided_why, asked.decided_by) == ("a late file", "right", two)
    statement.line(-70, kind="fee", day=DAY, balance=930)
    closed()
    assert ledger.balance(ledger.fees_account(TIGO)) == 70
    versions = Certificate.objects.filter(day_close__day=DAY).values_list("version", flat=True)
    assert sorted(versions) == [1, 2]


def test_fees_told_otherwise_after_a_reopening_are_booked_by_what_is_missing() -> None:
    statement = Statement()
    statement.file()
    fee = statement.line(-100, kind="fee")
    closed()
    asked = ask_to_reopen(till=collection_till(), day=DAY, by=a_person(), why="x")
    decide_reopening(reopening_id=asked.pk, by=a_person(), why="y", is_approved=True)
    StatementLine.objects.filter(pk=fee.pk).update(amount=-130, balance=-130, version=2)
    figures = closed()
    assert ledger.balance(ledger.fees_account(TIGO)) == 130
    assert told(figures) == {}


def test_a_rejected_reopening_leaves_the_day_closed() -> None:
    paid(Statement(), 1000)
    closed()
    asked = ask_to_reopen(till=collection_till(), day=DAY, by=a_person(), why="x")
    assert not decide_reopening(reopening_id=asked.pk, by=a_person(), why="no", is_approved=False)
    assert is_closed(TIGO, DAY)
    assert DayClose.objects.get().state == "closed"
