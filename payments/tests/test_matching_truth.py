"""Adversarial statements of which the truth is known: never a wrong match, one bucket for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import Case
from payments.invariants.statements import INVARIANTS
from payments.models import (
    Bucket,
    Candidate,
    Match,
    MatchingRules,
    MobileMoneyTransaction,
    Payment,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.services.keep_lines import insert_lines, keep_lines
from payments.services.match.payment_bucket import PaymentBucket, bucketed
from payments.services.match.run import match_statements
from payments.statements.lines import PlainLine
from payments.states import State
from payments.tests.factories import a_customer
from payments.tests.matching import NOON, Kind, a_file, a_line, a_transfer, an_order

pytestmark = pytest.mark.django_db(transaction=True)

# They share what a mask shows; references are a letter, a digit or an order of digits apart.
PHONES = ("+255754100111", "+255754200111", "+255755100222")
REFERENCES = ("ABCS23DEF456", "ABC523DEF456", "ABCS32DEF456", "ABCS23DEF465", "ZZ0011ZZ22YY")
AMOUNTS = (1000, 1000, 2000, 3000)


@dataclass(frozen=True)
class Order:
    """What truly happened, and how much of it we know."""

    phone: str
    amount: int
    minute: int
    state: State
    knows_receipt: bool
    reversal: str  # "", "ours" or "theirs"


@dataclass(frozen=True)
class Row:
    """A line of the statement; `of` is the order whose money it truly is, None for a stranger's."""

    of: int | None
    receipt: str
    amount: int
    minute: int
    kind: StatementLine.Kind = Kind.COLLECTION
    fields: dict[str, Any] = field(default_factory=dict)


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    return [
        Order(
            phone=draw(st.sampled_from(PHONES)),
            amount=draw(st.sampled_from(AMOUNTS)),
            minute=draw(st.integers(0, 2)),
            state=draw(
                st.sampled_from([State.COMPLETED, State.COMPLETED, State.FAILED, State.EXPIRED])
            ),
            knows_receipt=draw(st.booleans()),
            reversal=draw(st.sampled_from(["", "", "", "ours", "theirs"])),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]


@st.composite
def statements(draw: st.DrawFn) -> tuple[list[Order], list[Row], list[int]]:
    """A ledger, its statement with troubles, and another order in which the files could come."""
    ledger = draw(orders())
    rows: list[Row] = []
    for number, order in enumerate(ledger):
        if draw(st.booleans()) or draw(st.booleans()):  # else its row is missing
            rows.append(_row(draw, number, order, f"QR{number}"))
            if draw(st.sampled_from([False, False, True])):
                rows.append(Row(number, f"QR{number}", -20, order.minute, Kind.FEE))
        if draw(st.sampled_from([False, False, False, False, False, True])):  # told a second time
            rows.append(Row(number, f"QR{number}", order.amount, order.minute, Kind.OTHER))
        if draw(st.sampled_from([False, False, False, True])):  # paid a second time
            rows.append(_row(draw, number, order, f"QD{number}"))
        if order.reversal:
            linked = {"linked_receipt": f"QR{number}"}
            rows.append(
                Row(number, f"QB{number}", -order.amount, order.minute, Kind.REVERSAL, linked)
            )
    for number in range(draw(st.integers(0, 2))):
        stranger = Order(
            draw(st.sampled_from(PHONES)),
            draw(st.sampled_from(AMOUNTS)),
            draw(st.integers(0, 2)),
            State.FAILED,
            False,
            "",
        )
        rows.append(_strangers(draw, stranger, ledger, f"QX{number}"))
    return ledger, rows, draw(st.permutations(range(len(rows))))


def _row(draw: st.DrawFn, number: int | None, order: Order, receipt: str) -> Row:
    """What is typed is the order's reference, a mistyped one that is nobody's, or nothing."""
    mistyped = "ABC5Z3DEF456"
    typed = draw(st.sampled_from(["", mistyped, "" if number is None else REFERENCES[number]]))
    masked = f"{order.phone[1:5]}****{order.phone[-3:]}"
    fields: dict[str, Any] = {"msisdn": draw(st.sampled_from(["", order.phone, masked]))}
    if draw(st.booleans()):
        fields["reference"] = typed
    elif typed:
        fields["details"] = f"Pay Bill Acc. {typed[:4]}-{typed[4:].replace('0', 'O')} of {masked}"
    apart = draw(st.sampled_from([0, 0, 0, 0, -10, 500, -500]))
    return Row(
        number, receipt, order.amount + apart, order.minute + draw(st.integers(0, 1)), fields=fields
    )


def _strangers(draw: st.DrawFn, stranger: Order, ledger: list[Order], receipt: str) -> Row:
    """Now and then a stranger types another's reference; the phone tells that it is not theirs."""
    row = _row(draw, None, stranger, receipt)
    others = [n for n, order in enumerate(ledger) if order.phone != stranger.phone]
    if others and row.fields["msisdn"] == stranger.phone and draw(st.booleans()):
        row.fields["reference"] = REFERENCES[draw(st.sampled_from(others))]
    return row


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(statements())
def test_never_a_wrong_match_and_one_bucket_for_each(
    drawn: tuple[list[Order], list[Row], list[int]],
) -> None:
    ledger, rows, other_order = drawn
    attempts, transfers = _set_up(ledger, rows)
    match_statements()
    _check_truth(rows, attempts, transfers)
    found = _buckets()
    assert Bucket.NEW not in found.values()
    assert all(not list(each.find()) for each in INVARIANTS)
    buckets = set(bucketed(MatchingRules.current()).values_list("bucket", flat=True))
    assert buckets <= set(PaymentBucket.values)
    before = list(Match.objects.order_by("pk").values())
    cases = _cases()
    match_statements()
    assert _buckets() == found
    assert list(Match.objects.order_by("pk").values()) == before
    assert _cases() == cases
    _set_up(ledger, [rows[place] for place in other_order])
    match_statements()
    assert _buckets() == found
    _set_up(ledger, [])
    for place in other_order:
        _import(rows[place], place)
    assert all(not list(each.find()) for each in INVARIANTS)
    match_statements()
    assert _buckets() == found


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(statements())
def test_nor_when_each_file_is_matched_as_it_comes(
    drawn: tuple[list[Order], list[Row], list[int]],
) -> None:
    ledger, rows, other_order = drawn
    attempts, transfers = _set_up(ledger, [])
    for place in other_order:
        _write([rows[place]])
        match_statements()
    _check_truth(rows, attempts, transfers)
    assert Bucket.NEW not in _buckets().values()
    assert all(not list(each.find()) for each in INVARIANTS)


def _set_up(ledger: Sequence[Order], rows: Sequence[Row]) -> tuple[list[int], dict[int, int]]:
    """Attempts by the order's number, and the transfers of ours that reverse them."""
    _forget()
    payers = {phone: a_customer(phone) for phone in PHONES}
    attempts, transfers = [], {}
    for number, order in enumerate(ledger):
        made = an_order(
            receipt=f"QR{number}" if order.knows_receipt else None,
            amount=order.amount,
            phone=order.phone,
            payer=payers[order.phone],
            at=NOON + timedelta(minutes=order.minute),
            state=order.state,
            reference=REFERENCES[number],
        )
        attempts.append(made.pk)
        if order.reversal == "theirs" and order.state == State.COMPLETED:
            Payment.objects.filter(pk=made.payment_id).update(reversed_at=NOON)
        elif order.reversal == "ours" and order.state == State.COMPLETED:
            transfers[number] = a_transfer(
                amount=order.amount, method="reversal", payment=made.payment
            ).pk
    _write(rows)
    return attempts, transfers


def _write(rows: Sequence[Row]) -> None:
    file = StatementFile.objects.first() or a_file()
    for row in rows:
        at = NOON + timedelta(minutes=row.minute, seconds=20)
        a_line(row.receipt, row.amount, kind=row.kind, at=at, file=file, **row.fields)


def _import(row: Row, place: int) -> None:
    """As the lines of a file are stored, a batch for each: those that are plain are matched at once."""
    at = NOON + timedelta(minutes=row.minute, seconds=20)
    line = PlainLine(
        row=place * 10,
        receipt=row.receipt,
        kind=row.kind.value,
        is_incoming=row.amount > 0,
        amount=row.amount,
        moves_money=True,
        status="Completed",
        completed_at=f"{at:%Y-%m-%d %H:%M:%S}",
        balance=None,
        reference=row.fields.get("reference", ""),
        msisdn=row.fields.get("msisdn", ""),
        party="",
        linked_receipt=row.fields.get("linked_receipt", ""),
        details=row.fields.get("details", ""),
        currency="TZS",
        part=0,
        row_hash=f"{place:064x}",
    )
    with transaction.atomic():
        file = StatementFile.objects.first() or a_file()
        keep_lines(file, insert_lines(file, [(line, None)], are_ours=True, text=""), set())


def _check_truth(rows: Sequence[Row], attempts: list[int], transfers: dict[int, int]) -> None:
    truth = {(row.receipt, row.kind.value): row.of for row in rows}
    for match in Match.objects.filter(is_live=True, state="confirmed").select_related("line"):
        of = truth[match.line.receipt, match.line.kind]
        assert of is not None, "a stranger's money"
        if match.transfer_id:
            assert match.transfer_id == transfers[of]
        else:
            assert match.attempt_id == attempts[of]


def _buckets() -> dict[tuple[str, str], str]:
    lines = StatementLine.objects.values_list("receipt", "kind", "bucket")
    return {(receipt, kind): bucket for receipt, kind, bucket in lines}


def _cases() -> list[tuple[str, str, str]]:
    return list(Case.objects.order_by("pk").values_list("kind", "subject", "state"))


def _forget() -> None:
    """Each example begins with empty tables; contras name rows before them."""
    for model in (Candidate, Case):
        model.objects.all().delete()
    Match.objects.filter(contra_of__isnull=False).delete()
    for table in (Match, StatementLine, StatementFile, Transfer, MobileMoneyTransaction, Payment):
        table.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_user")
