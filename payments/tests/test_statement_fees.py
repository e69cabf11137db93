"""Several fees of one receipt are several lines, the same ones in whatever file they come again."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps

from payments.models import Bucket, Match, StatementLine
from payments.services import import_statement
from payments.services.match.run import match_statements
from payments.tests.matching import an_order
from payments.tests.statement_files import as_csv, imported, row

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]
LATER = "2025-11-21 08:00:00"


def fee(amount: int, balance: int | None, at: str = "", **cells: str) -> list[str]:
    """A charge of the first receipt."""
    cells = {"Completion Time": at, **cells} if at else cells
    return row(
        1,
        **{
            "Reason Type": "Pay Bill Charge",
            "Paid In": "",
            "Withdrawn": f"-{amount}.00",
            "Balance": "" if balance is None else f"{balance}.00",
            **cells,
        },
    )


PAYMENT, CHARGE, LEVY, REST = row(1), fee(25, 975), fee(10, 965), fee(25, 940, LATER)


def fees() -> list[int]:
    return sorted(StatementLine.objects.filter(kind="fee").values_list("amount", flat=True))


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_each_fee_of_a_receipt_is_a_line(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_statement, "BATCH", batch)
    file = imported(as_csv([PAYMENT, CHARGE, LEVY, REST]))
    assert (file.rows_new, file.rows_faulty, file.balance_breaks) == (4, 0, 0)
    assert fees() == [-25, -25, -10]


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize(
    "again",
    [
        [PAYMENT, CHARGE, LEVY, REST, row(2)],
        [REST, LEVY, CHARGE, PAYMENT],
        [LEVY, REST],
        [REST],
    ],
)
def test_in_another_file_they_are_the_same_lines(
    again: list[list[str]], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_statement, "BATCH", batch)
    imported(as_csv([PAYMENT, CHARGE, LEVY, REST]))
    file = imported(as_csv(again))
    assert (file.rows_changed, file.rows_faulty, fees()) == (0, 0, [-25, -25, -10])


def test_files_that_have_a_part_each_make_the_whole() -> None:
    for part in ([REST], [PAYMENT, CHARGE], [CHARGE, LEVY]):
        assert imported(as_csv(part)).rows_faulty == 0
    assert fees() == [-25, -25, -10]


def test_one_that_is_told_otherwise_later_is_the_same_line() -> None:
    imported(as_csv([PAYMENT, CHARGE, LEVY]))
    told = fee(10, 965, **{"Transaction Status": "Declined"})
    assert imported(as_csv([PAYMENT, CHARGE, told])).rows_changed == 1
    line = StatementLine.objects.get(kind="fee", amount=-10)
    assert (line.moves_money, line.version) == (False, 2)


def test_equal_fees_of_a_second_are_counted_and_a_row_printed_twice_is_one() -> None:
    file = imported(as_csv([PAYMENT, CHARGE, fee(25, 950), CHARGE]))
    assert (file.rows_new, file.rows_known, fees()) == (3, 1, [-25, -25])
    without = [PAYMENT, fee(25, None), fee(25, None)]
    assert imported(as_csv(without)).rows_faulty == 0
    assert fees() == [-25, -25]


def test_a_balance_of_nothing_tells_rows_apart_too() -> None:
    file = imported(as_csv([fee(25, 0), fee(25, 0)]))
    assert (file.rows_new, file.rows_known) == (1, 1)


def test_all_of_them_go_with_their_payment() -> None:
    an_order(receipt="BK00000001")
    imported(as_csv([PAYMENT, CHARGE, LEVY, REST]))
    match_statements()
    assert set(StatementLine.objects.values_list("bucket", flat=True)) == {Bucket.MATCHED}
    assert Match.objects.filter(is_live=True, rule="R9").count() == 3


def test_a_stored_fee_gets_the_number_that_its_file_gives_it() -> None:
    imported(as_csv([PAYMENT, CHARGE]))
    StatementLine.objects.update(part=0)
    migration = importlib.import_module("payments.migrations.0019_fee_parts")
    migration.number_fees(apps, None)
    file = imported(as_csv([PAYMENT, CHARGE, LEVY]))
    assert (file.rows_new, file.rows_known, file.rows_changed) == (1, 2, 0)
