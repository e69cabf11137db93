"""The waterfall: which line is whose money, by which rule, and in which bucket the others are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from cases.models import Case, CaseKind
from payments.models import (
    Bucket,
    Match,
    MatchingRules,
    MatchTurn,
    MobileMoneyTransaction,
    Payment,
    Posting,
    StatementLine,
)
from payments.services.match.run import match_statements
from payments.services.match.sql import open_ranges
from payments.services.match.turn import Turn
from payments.services.record_bank import Movement, record_bank
from payments.states import State, TransferState
from payments.tests.factories import a_customer
from payments.tests.matching import NOON, Kind, a_file, a_line, a_transfer, an_order

pytestmark = pytest.mark.django_db(transaction=True)


def bucket(line: StatementLine) -> str:
    line.refresh_from_db()
    return line.bucket


def only_match(line: StatementLine) -> Match:
    return Match.objects.get(line=line, is_live=True)


def test_receipt_and_amount_match_whatever_the_phone() -> None:
    order = an_order(receipt="QA1", amount=1000)
    line = a_line("QA1", 1000, msisdn="2557****999")
    result = match_statements()
    match = only_match(line)
    assert (result.matched, result.left) == (1, 0)
    assert bucket(line) == Bucket.MATCHED
    assert (match.attempt, match.rule, match.state) == (order, "R1", "confirmed")
    assert match.why == "receipt, amount"


def test_a_receipt_that_we_hold_in_small_letters() -> None:
    order = an_order(receipt="qa1")
    line = a_line("QA1")
    match_statements()
    assert only_match(line).attempt == order


def test_of_receipts_that_differ_by_capitals_alone_either_may_be_meant() -> None:
    an_order(receipt="qa1")
    an_order(receipt="QA1", amount=2000)
    line = a_line("QA1")
    match_statements()
    assert bucket(line) == Bucket.AMBIGUOUS
    assert not Match.objects.exists()


@pytest.mark.parametrize(
    ("order", "line", "rule"),
    [
        ({"reference": "ABC123DEF456"}, {"reference": "abc123def456"}, "R2"),
        ({"reference": "ABC103DEF4S6"}, {"details": "Pay Bill Acc. ABC-IO3 DEF 456 by x"}, "R3"),
        ({"provider_reference": "ws_CO_1"}, {"reference": "ws_CO_1"}, "R4"),
        ({"provider_reference": "AG1"}, {"receipt": "AG1"}, "R4"),
    ],
)
def test_each_name_of_ours_matches(order: Any, line: Any, rule: str) -> None:
    attempt = an_order(**order)
    made = a_line(**line)
    match_statements()
    assert (only_match(made).attempt, only_match(made).rule) == (attempt, rule)


@pytest.mark.parametrize(
    ("order", "line", "expected"),
    [
        ({"receipt": "QA1"}, {"receipt": "QA1", "amount": 900}, Bucket.AMOUNT_UNDER),
        ({"receipt": "QA1"}, {"receipt": "QA1", "amount": 960}, Bucket.SUGGESTED),
        ({"receipt": "QA1"}, {"receipt": "QA1", "amount": 1001}, Bucket.AMOUNT_OVER),
        ({"receipt": "QA1", "state": State.FAILED}, {"receipt": "QA1"}, Bucket.STATUS_CONFLICT),
        (
            {"reference": "ABC123DEF456", "state": State.EXPIRED},
            {"reference": "ABC123DEF456"},
            Bucket.LATE_SUCCESS,
        ),
        (
            {"reference": "ABC123DEF456", "receipt": "QA1"},
            {"receipt": "QA2", "reference": "ABC123DEF456"},
            Bucket.SUGGESTED,
        ),
        (
            {"reference": "ABC123DEF456", "phone": "+255754000001"},
            {"reference": "ABC123DEF456", "msisdn": "+255754000002"},
            Bucket.SUGGESTED,
        ),
        (
            {"reference": "ABC123DEF456"},
            {"reference": "ABC123DEF456", "at": NOON - timedelta(hours=1)},
            Bucket.SUGGESTED,
        ),
        ({"phone": "+255754000001"}, {"msisdn": "+255754000001"}, Bucket.SUGGESTED),
        ({"phone": "+255754000001"}, {"msisdn": "2557****001"}, Bucket.SUGGESTED),
        ({"phone": "+255754000001"}, {"msisdn": "2557****002"}, Bucket.MASKED_IDENTITY),
        (
            {"phone": "+255754000001", "state": State.FAILED},
            {"msisdn": "+255754000001"},
            Bucket.STATUS_CONFLICT,
        ),
        (
            {"phone": "+255754000001", "state": State.EXPIRED},
            {"msisdn": "2557****001"},
            Bucket.LATE_SUCCESS,
        ),
        ({"phone": "+255754000001"}, {"msisdn": "255754******"}, Bucket.MASKED_IDENTITY),
        ({}, {"at": NOON + timedelta(seconds=1)}, Bucket.PAID_NO_ORDER),
        ({}, {"currency": "KES"}, Bucket.FOREIGN_CURRENCY),
        ({"receipt": "QA1"}, {"receipt": "QA1", "moves_money": False}, Bucket.EVIDENCE),
        ({}, {"kind": Kind.FEE, "amount": -20}, Bucket.FEE_DIFFERENCE),
        ({}, {"kind": Kind.SETTLEMENT, "amount": -5000}, Bucket.OWN_MOVEMENT),
        ({}, {"kind": Kind.REVERSAL, "amount": -1000}, Bucket.PAID_NO_ORDER),
        ({}, {"amount": -1000}, Bucket.PAID_NO_ORDER),
    ],
)
def test_what_does_not_agree_is_never_matched(order: Any, line: Any, expected: Bucket) -> None:
    an_order(**order)
    made = a_line(**line)
    match_statements()
    assert bucket(made) == expected
    assert not Match.objects.filter(state=Match.State.CONFIRMED).exists()
    assert Match.objects.filter(state="suggested").exists() == (expected == Bucket.SUGGESTED)


def test_a_second_receipt_for_a_matched_order_is_a_second_payment() -> None:
    order = an_order(receipt="QA1", reference="ABC123DEF456")
    first = a_line("QA1")
    second = a_line("QA2", reference=order.reference)
    match_statements()
    assert (bucket(first), bucket(second)) == (Bucket.MATCHED, Bucket.DUPLICATE_PAYMENT)


def test_more_money_of_another_amount_is_the_same_in_the_next_run() -> None:
    order = an_order()
    a_line("QA1", reference=order.reference)
    other = a_line("QA2", 400, reference=order.reference)
    match_statements()
    assert bucket(other) == Bucket.DUPLICATE_PAYMENT
    match_statements()
    assert bucket(other) == Bucket.DUPLICATE_PAYMENT


def test_money_for_a_failed_try_of_something_paid_by_another() -> None:
    an_order(receipt="QA1", subject="purchase:1")
    failed = an_order(state=State.FAILED, subject="purchase:1")
    line = a_line(reference=failed.reference)
    match_statements()
    assert bucket(line) == Bucket.DUPLICATE_PAYMENT


def test_money_for_an_expired_try_of_a_payment_that_another_try_paid() -> None:
    paid = an_order(receipt="QA1")
    MobileMoneyTransaction.objects.create(
        payment=paid.payment,
        provider=paid.provider,
        dialect=paid.dialect,
        customer_phone=paid.customer_phone,
        status=State.EXPIRED,
        provider_transaction_id="QA2",
    )
    a_line("QA1")
    line = a_line("QA2")
    match_statements()
    assert bucket(line) == Bucket.DUPLICATE_PAYMENT


def test_two_lines_of_one_reference_are_for_staff() -> None:
    order = an_order()
    lines = [a_line(reference=order.reference), a_line(reference=order.reference)]
    match_statements()
    assert [bucket(line) for line in lines] == [Bucket.AMBIGUOUS, Bucket.AMBIGUOUS]


def test_one_receipt_on_two_accounts_is_one_movement_told_twice() -> None:
    an_order(receipt="QA1")
    lines = [a_line("QA1"), a_line("QA1", account="600200")]
    match_statements()
    assert [bucket(line) for line in lines] == [Bucket.DUPLICATE_LINE, Bucket.DUPLICATE_LINE]


def test_twins_by_phone_are_ambiguous_on_either_side() -> None:
    phone = "+255754000001"
    order = an_order(phone=phone)
    an_order(phone=phone, payer=order.payment.payer, at=NOON + timedelta(minutes=1))
    line = a_line(msisdn=phone, at=NOON + timedelta(minutes=5))
    match_statements()
    assert bucket(line) == Bucket.AMBIGUOUS
    assert not Match.objects.exists()


def test_one_payment_for_several_orders_is_suggested_for_each() -> None:
    phone = "+255754000001"
    first = an_order(phone=phone, state=State.EXPIRED)
    second = an_order(
        phone=phone, payer=first.payment.payer, state=State.EXPIRED, amount=1500, receipt=None
    )
    line = a_line(amount=2500, msisdn=phone, at=NOON + timedelta(minutes=9))
    match_statements()
    matches = Match.objects.filter(line=line, is_live=True)
    assert bucket(line) == Bucket.SUGGESTED
    assert {(match.attempt_id, match.rule) for match in matches} == {
        (first.pk, "R7"),
        (second.pk, "R7"),
    }


def test_a_fee_follows_its_line_and_one_beside_it_is_suggested() -> None:
    order = an_order(receipt="QA1")
    main = a_line("QA1")
    fee = a_line("QA1", -20, kind=Kind.FEE)
    beside = a_line("QF9", -30, kind=Kind.FEE, row=main.row + 1)
    match_statements()
    assert (only_match(fee).attempt, only_match(fee).rule) == (order, "R9")
    assert (bucket(beside), only_match(beside).rule) == (Bucket.SUGGESTED, "R9")


def test_our_reversal_is_known_by_the_receipt_that_it_takes_back() -> None:
    order = an_order(receipt="QA1")
    refund = a_transfer(amount=1000, method="reversal", payment=order.payment)
    collection = a_line("QA1")
    reversal = a_line("QB1", -1000, kind=Kind.REVERSAL, linked_receipt="QA1")
    match_statements()
    assert (only_match(reversal).transfer, only_match(reversal).rule) == (refund, "R8")
    assert bucket(collection) == Bucket.MATCHED


def test_a_reversal_by_the_provider_matches_once_we_know_of_it() -> None:
    order = an_order(receipt="QA1")
    a_line("QA1")
    reversal = a_line("QA1", -1000, kind=Kind.REVERSAL)
    match_statements()
    assert bucket(reversal) == Bucket.REVERSED
    assert Case.objects.filter(kind=CaseKind.REVERSED_THERE, state="open").exists()
    order.payment.reversed_at = NOON
    order.payment.save()
    match_statements()
    assert (only_match(reversal).attempt, only_match(reversal).rule) == (order, "R8")
    assert Case.objects.get(kind=CaseKind.REVERSED_THERE).state == "resolved"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TransferState.SUCCEEDED, Bucket.MATCHED),
        (TransferState.PENDING, Bucket.STATUS_CONFLICT),
        (TransferState.FAILED, Bucket.STATUS_CONFLICT),
    ],
)
def test_what_went_out_matches_a_transfer(state: TransferState, expected: Bucket) -> None:
    transfer = a_transfer(state=state)
    line = a_line("QT1", -700, reference=transfer.reference)
    match_statements()
    assert bucket(line) == expected


def test_a_settlement_matches_what_was_recorded_of_it() -> None:
    line = a_line("QS1", -5000, kind=Kind.SETTLEMENT)
    match_statements()
    assert bucket(line) == Bucket.OWN_MOVEMENT
    record_bank(
        movement=Movement.SETTLEMENT,
        provider=line.provider,  # type: ignore[arg-type]  # stored value
        amount=5000,
        reference="QS1",
        note="settled",
    )
    match_statements()
    assert (bucket(line), only_match(line).posting) == (Bucket.MATCHED, Posting.objects.get())


def test_a_second_run_changes_nothing() -> None:
    phone = "+255754000001"
    an_order(receipt="QA1")
    an_order(phone=phone)
    a_line("QA1")
    a_line(msisdn=phone)
    a_line()
    match_statements()
    before = list(Match.objects.order_by("pk").values()), _buckets(), Case.objects.count()
    match_statements()
    assert (list(Match.objects.order_by("pk").values()), _buckets(), Case.objects.count()) == before


def test_a_suggestion_gives_way_to_proof() -> None:
    phone = "+255754000001"
    order = an_order(phone=phone)
    line = a_line("QA1", msisdn=phone)
    match_statements()
    suggestion = only_match(line)
    order.provider_transaction_id = "QA1"
    order.save()
    match_statements()
    suggestion.refresh_from_db()
    assert (suggestion.is_live, suggestion.contra.state) == (False, "undone")
    assert (only_match(line).rule, bucket(line)) == ("R1", Bucket.MATCHED)
    assert Case.objects.get(kind=CaseKind.SUGGESTED_MATCH).state == "resolved"


def test_a_suggestion_is_taken_back_when_a_twin_appears() -> None:
    phone = "+255754000001"
    order = an_order(phone=phone)
    line = a_line(msisdn=phone)
    match_statements()
    an_order(phone=phone, payer=order.payment.payer)
    match_statements()
    assert bucket(line) == Bucket.AMBIGUOUS
    assert not Match.objects.filter(is_live=True).exists()


def test_a_line_that_a_later_file_tells_otherwise_loses_its_match() -> None:
    an_order(receipt="QA1")
    line = a_line("QA1")
    match_statements()
    StatementLine.objects.filter(pk=line.pk).update(amount=900, version=2, bucket=Bucket.NEW)
    match_statements()
    assert bucket(line) == Bucket.AMOUNT_UNDER
    assert not Match.objects.filter(is_live=True).exists()


def test_a_changed_line_that_still_agrees_keeps_it() -> None:
    an_order(receipt="QA1")
    line = a_line("QA1")
    match_statements()
    StatementLine.objects.filter(pk=line.pk).update(party="JANE", version=2, bucket=Bucket.NEW)
    match_statements()
    assert (bucket(line), Match.objects.count()) == (Bucket.MATCHED, 1)


def told_anew(line: StatementLine, **columns: Any) -> None:
    """As a later file does."""
    StatementLine.objects.filter(pk=line.pk).update(
        version=F("version") + 1, bucket=Bucket.NEW, **columns
    )
    match_statements()


def test_a_changed_line_that_is_of_another_leaves_no_suggestion() -> None:
    phone = "+255754000001"
    by_phone, named = an_order(phone=phone), an_order()
    line = a_line(msisdn=phone)
    match_statements()
    assert only_match(line).attempt == by_phone
    told_anew(line, reference=named.reference, msisdn="")
    assert (only_match(line).attempt, only_match(line).rule) == (named, "R2")


def test_a_changed_line_is_of_the_order_that_it_names_now() -> None:
    first, second = an_order(), an_order()
    line = a_line(reference=first.reference)
    match_statements()
    told_anew(line, reference=second.reference)
    assert (only_match(line).attempt, only_match(line).rule) == (second, "R2")
    told_anew(line, party="JANE")
    assert (only_match(line).attempt, bucket(line)) == (second, Bucket.MATCHED)
    told_anew(line, reference="")
    assert not Match.objects.filter(is_live=True).exists()


def test_what_staff_have_matched_stays_with_a_changed_reference() -> None:
    order = an_order()
    line = a_line(reference=order.reference)
    match_statements()
    Match.objects.filter(line=line).update(by=a_customer())
    told_anew(line, reference="KNK2")
    assert (only_match(line).attempt, bucket(line)) == (order, Bucket.MATCHED)


def test_a_changed_reversal_is_of_the_receipt_that_it_names_now() -> None:
    _, second = an_order(receipt="QA1"), an_order(receipt="QA2")
    Payment.objects.update(reversed_at=NOON)
    a_line("QA1")
    a_line("QA2")
    reversal = a_line("QB1", -1000, kind=Kind.REVERSAL, linked_receipt="QA1")
    match_statements()
    told_anew(reversal, linked_receipt="QA2")
    assert (only_match(reversal).attempt, only_match(reversal).rule) == (second, "R8")


def test_a_fee_goes_with_the_match_of_its_line() -> None:
    an_order(receipt="QA1")
    fees = [a_line("QA1", -20, kind=Kind.FEE), a_line("QA1", -5, kind=Kind.FEE, part=1)]
    line = a_line("QA1")
    other = a_line("QA2", -20, kind=Kind.FEE)
    match_statements()
    told_anew(line, moves_money=False, amount=0, status="Reversed")
    assert not Match.objects.filter(is_live=True).exists()
    assert [bucket(fee) for fee in (*fees, other)] == [Bucket.FEE_DIFFERENCE] * 3
    assert Match.objects.filter(state="undone").count() == 3
    told_anew(line, moves_money=True, amount=1000, status="Completed")
    assert [only_match(fee).rule for fee in fees] == ["R9", "R9"]


def test_a_fee_follows_its_line_to_another_order() -> None:
    first, second = an_order(), an_order()
    line = a_line("QA1", reference=first.reference)
    fee = a_line("QA1", -20, kind=Kind.FEE)
    match_statements()
    told_anew(line, party="JANE")
    assert Match.objects.filter(line=fee, state="undone").count() == 1
    assert only_match(fee).attempt == first
    told_anew(line, reference=second.reference)
    assert (only_match(fee).attempt, bucket(fee)) == (second, Bucket.MATCHED)


def test_an_order_that_its_statement_does_not_tell_of() -> None:
    a_file()
    order = an_order(receipt="QA1")
    an_order(receipt="QA2", at=NOON + timedelta(days=3))  # after what the file tells
    match_statements()
    case = Case.objects.get(kind=CaseKind.ORDER_NO_MONEY)
    assert case.subject == f"payment:{order.payment.public_id}"
    a_line("QA1")
    match_statements()
    case.refresh_from_db()
    assert case.state == "resolved"


@pytest.mark.parametrize(
    ("closing", "opening", "is_missed"),
    [(5000, 5000, True), (5000, 6000, False), (None, None, False)],
)
def test_an_order_between_two_files_is_missed_where_their_balances_join(
    closing: int | None, opening: int | None, is_missed: bool
) -> None:
    evening, next_morning = NOON + timedelta(hours=6), NOON + timedelta(hours=20)
    a_file(NOON - timedelta(hours=4), ends_at=evening, closing_balance=closing)
    a_file(next_morning, ends_at=next_morning + timedelta(hours=10), opening_balance=opening)
    an_order(receipt="QA1", at=evening + timedelta(hours=2))
    match_statements()
    assert Case.objects.filter(kind=CaseKind.ORDER_NO_MONEY).exists() is is_missed


def test_an_order_over_the_end_of_a_file_is_missed_by_those_that_overlap() -> None:
    evening = NOON + timedelta(hours=6)
    a_file(ends_at=evening)
    a_file(evening - timedelta(hours=1))
    a_file(evening, account="600200")
    an_order(receipt="QA1", at=evening - timedelta(seconds=10))
    match_statements()
    assert Case.objects.filter(kind=CaseKind.ORDER_NO_MONEY).exists()


def test_files_of_two_accounts_do_not_join() -> None:
    evening = NOON + timedelta(hours=6)
    a_file(ends_at=evening, closing_balance=5000)
    a_file(evening + timedelta(seconds=10), account="600200", opening_balance=5000)
    an_order(receipt="QA1", at=evening - timedelta(seconds=10))
    match_statements()
    assert not Case.objects.filter(kind=CaseKind.ORDER_NO_MONEY).exists()


@pytest.mark.parametrize("is_of_payouts", [True, False])
def test_a_statement_tells_only_of_what_goes_by_its_account(
    is_of_payouts: bool, settings: Any
) -> None:
    settings.DISBURSEMENT_TILLS = {"700700": "vodacom_mpesa"}
    a_file(account="700700" if is_of_payouts else "600100")
    order = an_order(receipt="QA1")
    a_transfer(receipt="QT1")
    a_transfer(receipt="QT2", method="reversal", payment=order.payment)
    match_statements()
    missed = {CaseKind.TRANSFER_NO_LINE: 1}
    if not is_of_payouts:
        missed[CaseKind.ORDER_NO_MONEY] = 1
    told = {kind: Case.objects.filter(kind=kind).count() for kind in missed}
    assert (told, Case.objects.count()) == (missed, sum(missed.values()))


def test_a_transfer_that_its_statement_does_not_tell_of() -> None:
    a_file()
    transfer = a_transfer()
    match_statements()
    assert Case.objects.get(kind=CaseKind.TRANSFER_NO_LINE).subject == (
        f"transfer:{transfer.reference}"
    )


def test_what_staff_have_closed_is_not_asked_again() -> None:
    a_line()
    match_statements()
    Case.objects.update(state="resolved", resolution="known at the bank")
    match_statements()
    assert Case.objects.count() == 1


def test_who_has_paid_and_has_nothing_waits() -> None:
    failed = an_order(state=State.FAILED)
    a_line(reference=failed.reference)
    match_statements()
    assert Case.objects.get(kind=CaseKind.STATUS_CONFLICT).customer_waits


def test_a_second_run_at_once_leaves_it_to_the_first() -> None:
    a_line()
    assert Turn().take()
    assert not match_statements().is_whole
    assert not Case.objects.exists()


def test_a_turn_that_was_lost_in_a_long_step_is_over(
    django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = Turn()
    assert turn.take()
    MatchTurn.objects.update(held_until=NOON)
    assert Turn().take()
    with django_assert_num_queries(0):
        assert turn.renew()  # nobody can have taken it from a step that took no time
    monkeypatch.setattr("payments.services.match.turn.RENEWED_AFTER", timedelta())
    assert not turn.renew()


def test_tolerances_are_settings() -> None:
    rules = MatchingRules.current()
    rules.suggest_under = 0
    rules.save()
    an_order(receipt="QA1")
    line = a_line("QA1", 999)
    match_statements()
    assert bucket(line) == Bucket.AMOUNT_UNDER


def _buckets() -> list[tuple[int, str]]:
    return list(StatementLine.objects.order_by("pk").values_list("pk", "bucket"))


def test_ranges_hold_so_many_open_lines_each() -> None:
    lines = [a_line() for _ in range(5)]
    StatementLine.objects.filter(pk=lines[1].pk).update(bucket=Bucket.MATCHED)
    ranges = list(open_ranges(size=2))
    held = [
        [line.pk for line in lines if each.low <= line.pk <= each.high and line != lines[1]]
        for each in ranges
    ]
    keys = [line.pk for line in lines]
    assert held == [[keys[0], keys[2]], [keys[3], keys[4]]]
    assert list(open_ranges((Bucket.SUGGESTED,))) == []
