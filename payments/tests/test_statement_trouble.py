"""Files with something wrong: one sentence that says what and where, and nothing half imported."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence

import pytest
import xlsxwriter
from django.utils import timezone

from cases.models import Case, CaseKind
from payments.models import FaultyRow, StatementFile, StatementLine
from payments.services import import_statement
from payments.statements import tables, workbooks
from payments.statements.refusal import StatementRefused
from payments.tests.statement_files import (
    FIRST_LINE,
    HEADER,
    HEADER_LINE,
    as_csv,
    imported,
    receipt,
    row,
    rows,
    take,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]
SWAHILI = (
    "Namba ya risiti", "Tarehe", "", "Maelezo", "Hali", "Kilichoingia", "Kilichotoka", "Salio", "",
    "Aina ya muamala", "Mhusika", "", "Kumbukumbu",
)  # fmt: skip


BOMB_SIZE = 40_000_000


def a_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * BOMB_SIZE)
    return packed.getvalue()


def a_lying_bomb() -> bytes:
    """Its directory says that it unpacks to a kilobyte."""
    return a_bomb().replace(struct.pack("<I", BOMB_SIZE), struct.pack("<I", 1_000))


def an_archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("holiday.jpg", "x")
    return packed.getvalue()


def with_sheets(**sheets: Sequence[Sequence[str]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(lines):
                sheet.write_row(number, 0, cells)
    return written.getvalue()


def with_currencies(*currencies: str) -> bytes:
    header = [*HEADER, "Currency"]
    lines = [[*row(number), currency] for number, currency in enumerate(currencies, start=1)]
    return as_csv(lines, header=header)


def with_dates(*dates: str) -> bytes:
    return as_csv([row(n, **{"Completion Time": date}) for n, date in enumerate(dates, start=1)])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF"),
    "a web page": (lambda: b"\n<!DOCTYPE html><p>Sign in", "is a web page"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0", "is a picture"),
    "an archive": (an_archive, "an archive, not a workbook"),
    "a damaged archive": (lambda: an_archive()[:-30], "damaged archive"),
    "a damaged XLS": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
    "a zip bomb": (a_bomb, "times its size"),
    "a zip bomb that lies": (a_lying_bomb, "says that it is smaller than it is"),
    "bytes": (lambda: as_csv(rows(1, 3)) + b"a\0b\n", f"line {FIRST_LINE + 3} has a zero byte"),
    "no encoding": (
        lambda: as_csv([row(1, **{"Other Party Info": "J?NE"})]).replace(b"J?NE", b"J\x9dNE"),
        f"Line {FIRST_LINE} has a byte that is no letter",
    ),
    "lines on two sheets": (
        lambda: with_sheets(May=[HEADER, row(1)], Empty=[], June=[HEADER, row(2)]),
        "several sheets: “May”, and “June” after it",
    ),
    "a cover sheet": (
        lambda: with_sheets(Cover=[("Konektika",)], Lines=[HEADER, row(2)]),
        "several sheets: “Cover”, and “Lines” after it",
    ),
    "no header": (lambda: as_csv(rows(1, 3), header=()), "no header that a profile knows"),
    "a header in Swahili": (lambda: as_csv(rows(1, 3), header=SWAHILI), "make a profile"),
    "another till": (
        lambda: as_csv(rows(1, 3), preamble=[("Short code: 600200 - Somebody",)]),
        "Line 1 says that the file is of 600200; you have chosen 600100",
    ),
    "another till in a cell of its own": (
        lambda: as_csv(rows(1, 3), preamble=[("x",), ("Paybill", "600200")]),
        "Line 2 says that the file is of 600200",
    ),
    "two currencies": (
        lambda: with_currencies("TZS", "tzs", "KES"),
        f"two currencies: TZS in line {FIRST_LINE}, KES in line {FIRST_LINE + 2}",
    ),
    "no currency beside another": (
        lambda: with_currencies("USD", ""),
        f"two currencies: USD in line {FIRST_LINE}, none in line {FIRST_LINE + 1}",
    ),
    "mixed dates": (
        lambda: with_dates("2025-11-20 10:00:00", "2025-11-21 10:00:00", "21-11-2025 10:00:00"),
        f"Line {FIRST_LINE + 2} has the date “21-11-2025 10:00:00”, line {FIRST_LINE} “2025-11-20",
    ),
    "both orders": (
        lambda: with_dates("13/11/2025 10:00:00", "11/13/2025 10:00:00"),
        f"Line {FIRST_LINE + 1} has the date “11/13/2025 10:00:00”",
    ),
    "either order": (
        lambda: with_dates("03-11-2025 10:00:00", "04-11-2025 10:00:00"),
        "can be read day first and month first",
    ),
    "two columns of one name": (
        lambda: as_csv([[*row(1), "9"]], header=[*HEADER, "PAID IN"]),
        f"Line {HEADER_LINE} has the column “PAID IN” twice",
    ),
    "no dates": (lambda: with_dates("10:00:00", "10:00:01"), f"line {FIRST_LINE} has “10:00:00”"),
}


@pytest.mark.parametrize("trouble", REFUSED)
def test_a_file_is_refused_with_a_sentence_and_leaves_nothing(trouble: str) -> None:
    make, sentence = REFUSED[trouble]
    file = imported(make())
    assert file.state == StatementFile.State.REFUSED
    assert sentence in file.why
    assert not StatementLine.objects.exists()
    assert not FaultyRow.objects.exists()


@pytest.mark.parametrize("size", [0, tables.LIMIT + 1])
def test_a_file_of_such_a_size_is_not_even_taken(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LIMIT", 10_000)
    with pytest.raises(StatementRefused, match="empty" if size == 0 else "at most"):
        take(b"x" * min(size, 10_001))
    assert not StatementFile.objects.exists()


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_its_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "UNPACKED_LIMIT", 1_000)
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        book.add_worksheet().write_row(0, 0, HEADER)
    assert "Export it as CSV" in imported(written.getvalue()).why


FAULTS: dict[str, tuple[list[str], str]] = {
    "cents": (row(2, **{"Paid In": "1,000.50"}), "“1,000.50” is no amount in whole shillings"),
    "a thousand that is none": (row(2, **{"Paid In": "1,13"}), "“1,13” is no amount"),
    "words for an amount": (row(2, **{"Paid In": "elfu moja"}), "“elfu moja” is no amount"),
    "a formula for an amount": (row(2, **{"Paid In": "=1+1"}), "“=1+1” is no amount"),
    "no amount": (row(2, **{"Paid In": ""}), "no amount"),
    "zero": (row(2, **{"Paid In": "0.00"}), "no amount"),
    "in and out": (row(2, Withdrawn="-1.00"), "paid in and withdrawn at once"),
    "no receipt": (row(2, **{"Receipt No.": ""}), "no receipt"),
    "a formula for a receipt": (row(2, **{"Receipt No.": "=CMD()"}), "“=CMD()” is no receipt"),
    "no time": (row(2, **{"Completion Time": ""}), "is no time"),
    "an impossible day": (row(2, **{"Completion Time": "2025-02-30 10:00:00"}), "is no time"),
    "an impossible hour": (row(2, **{"Completion Time": "2025-11-20 25:00:00"}), "is no time"),
    "a time to come": (
        row(2, **{"Completion Time": f"{timezone.now().year + 1}-11-20 12:00:02"}),
        "is still to come",
    ),
    "no status": (row(2, **{"Transaction Status": ""}), "no status"),
    "a receipt that begins like a total": (
        row(2, **{"Receipt No.": "TOTAL77", "Completion Time": ""}),
        "is no time",
    ),
    "cut off": (row(2)[:6], "6 of 13 columns: the row is cut off"),
    "too long": ([*row(2), "x"], "14 columns, the header has 13"),
    "a control character": (row(2, Details="a\x1fb"), "a control character"),
}


@pytest.mark.parametrize("trouble", FAULTS)
def test_a_row_that_cannot_be_read_is_kept_and_the_others_are_lines(trouble: str) -> None:
    cells, sentence = FAULTS[trouble]
    file = imported(as_csv([row(1), cells, row(3)]))
    assert (file.state, file.rows_new, file.rows_faulty) == ("read", 2, 1)
    fault = FaultyRow.objects.get()
    assert fault.row == FIRST_LINE + 1
    assert sentence in fault.why
    assert fault.text == " | ".join(cells)
    case = Case.objects.get(kind=CaseKind.STATEMENT_FAULT)
    assert case.subject == f"statement:{file.pk}"


def test_a_cell_that_no_reader_takes_is_named() -> None:
    file = imported(as_csv([row(1), row(2, Details="A" * 200_000), row(3)]))
    assert (file.rows_new, file.rows_faulty) == (2, 1)
    assert "more than 131,072 characters" in FaultyRow.objects.get().why


def test_a_footer_with_a_date_is_a_fault_alone() -> None:
    footers = [["Generated", "30/11/2025"], ["", "30/11/2025"], ["Page 1 of 3", "30/11/2025"]]
    width = len(HEADER)
    file = imported(as_csv([row(1), *([*cells, *[""] * (width - 2)] for cells in footers)]))
    assert (file.state, file.rows_new, file.rows_faulty) == ("read", 1, 3)


def test_a_second_header_is_no_currency() -> None:
    header = [*HEADER, "Currency"]
    file = imported(as_csv([[*row(1), "USD"], header, [*row(2), "USD"]], header=header))
    assert (file.state, file.rows_new, file.rows_faulty) == ("read", 2, 0)


def test_a_last_line_that_was_cut_off_is_a_fault() -> None:
    file = imported(as_csv(rows(1, 3))[:-60])
    assert (file.rows_new, file.rows_faulty) == (2, 1)


def test_a_last_character_that_was_cut_in_two_costs_its_line_alone() -> None:
    whole = as_csv([row(1), row(2, Details="café")])
    file = imported(whole[: whole.index("é".encode()) + 1])
    assert (file.rows_new, file.rows_faulty) == (1, 1)


@pytest.mark.parametrize("closes_later", [True, False])
def test_an_open_quote_swallows_no_row_unseen(closes_later: bool) -> None:
    lines = [row(n, **{"Paid In": "1000", "Balance": f"{1000 * n}"}) for n in range(1, 1501)]
    broken = as_csv(lines).replace(b",2000,", b',"2000,', 1)
    if closes_later:
        broken = broken.replace(b",900000,", b',900000",')
    file = imported(broken)
    told = " ".join(FaultyRow.objects.values_list("text", flat=True))
    swallowed = {number for number in range(1, 1501) if receipt(number) in told}
    assert file.rows_faulty >= 1
    assert swallowed
    assert StatementLine.objects.count() + len(swallowed) == 1500


@pytest.mark.parametrize("details_come_first", [True, False])
@pytest.mark.parametrize("quoted", [(2, 3), (2, 4)])
def test_quotes_that_begin_two_details_swallow_no_row_unseen(
    quoted: tuple[int, int], details_come_first: bool
) -> None:
    lines = [row(n, **{"Paid In": "1000", "Balance": f"{1000 * n}"}) for n in range(1, 6)]
    for number in quoted:
        lines[number - 1][3] = f"“{lines[number - 1][3]}"
    header = HEADER
    if details_come_first:
        header = (HEADER[3], *HEADER[:3], *HEADER[4:])
        lines = [[cells[3], *cells[:3], *cells[4:]] for cells in lines]
    file = imported(as_csv(lines, header=header).decode().replace("“", '"').encode())
    fault = FaultyRow.objects.get()
    assert f"{quoted[1] - quoted[0] + 1} lines became one row" in fault.why
    assert all(receipt(number) in fault.text for number in range(quoted[0], quoted[1] + 1))
    assert file.rows_new == 5 - (quoted[1] - quoted[0] + 1)


def test_details_of_several_lines_are_read() -> None:
    details = "Pay Bill, in two parts\nof 2025-11-20; KNK1"
    file = imported(as_csv([row(1, Details=details), row(2)]))
    assert (file.rows_new, file.rows_faulty) == (2, 0)


def test_a_last_row_whose_quote_is_not_closed_is_a_fault() -> None:
    whole = as_csv([row(1), row(2, **{"A/C No.": "KNK 2, second"})])
    file = imported(whole[:-10])
    assert (file.rows_new, file.rows_faulty) == (1, 1)


def test_one_receipt_twice_with_the_same_values_counts_once() -> None:
    file = imported(as_csv([row(1), row(2), row(1)]))
    assert (file.rows_new, file.rows_known, file.rows_faulty) == (2, 1, 0)


@pytest.mark.parametrize("batch", [1, 10])
@pytest.mark.parametrize("is_known_already", [True, False])
def test_one_receipt_twice_with_other_values_is_a_fault(
    is_known_already: bool, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_statement, "BATCH", batch)
    if is_known_already:
        imported(as_csv([row(1)]))
    imported(as_csv([row(1), row(2), row(1, **{"Paid In": "9,000.00"})]))
    assert StatementLine.objects.get(receipt="BK00000001").amount == 1000
    assert FaultyRow.objects.get().row == FIRST_LINE + 2
    assert "with other values" in FaultyRow.objects.get().why


def test_a_missing_row_breaks_the_balance_of_the_next() -> None:
    file = imported(as_csv([row(1), row(2), row(4), row(5)]))
    assert (file.balance_breaks, file.opening_balance, file.closing_balance) == (1, 0, 5000)
    assert StatementLine.objects.get(balance_breaks=True).receipt == "BK00000004"
    assert Case.objects.get(kind=CaseKind.BALANCE_BREAK).subject == f"statement:{file.pk}"


@pytest.mark.parametrize("numbers", [(1, 2, 2, 3), (3, 2, 2, 1)])
def test_a_row_that_is_written_twice_breaks_no_balance(numbers: tuple[int, ...]) -> None:
    file = imported(as_csv([row(number) for number in numbers]))
    assert (file.rows_new, file.rows_known, file.balance_breaks) == (3, 1, 0)
    assert (file.opening_balance, file.closing_balance) == (0, 3000)
    assert not StatementLine.objects.filter(balance_breaks=True).exists()
    assert not Case.objects.exists()


def test_the_newest_may_come_first() -> None:
    file = imported(as_csv([row(5), row(4), row(2), row(1)]))
    assert (file.balance_breaks, file.opening_balance, file.closing_balance) == (1, 0, 5000)
    assert StatementLine.objects.get(balance_breaks=True).receipt == "BK00000004"


def test_a_whole_file_without_breaks_needs_nobody() -> None:
    file = imported(as_csv(rows(1, 20)))
    assert (file.state, file.balance_breaks, file.rows_faulty) == ("read", 0, 0)
    assert not Case.objects.exists()


def test_the_row_that_was_missing_heals_the_break() -> None:
    imported(as_csv([row(1), row(2), row(4), row(5)]))
    imported(as_csv(rows(1, 5)))
    assert not StatementLine.objects.filter(balance_breaks=True).exists()
