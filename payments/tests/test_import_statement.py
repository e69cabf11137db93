"""A statement file becomes lines: each once, whatever is imported twice, in pieces or after a crash."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from celery import current_app
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.models import (
    Bucket,
    FaultyRow,
    LineVersion,
    Match,
    StatementFile,
    StatementLine,
    StatementProfile,
)
from payments.services import import_statement, keep_lines
from payments.services.import_statement import (
    LEASE,
    read_again,
    read_statement,
    sweep_statements,
    take_file,
)
from payments.services.keep_lines import keep_faults
from payments.services.match.run import match_statements
from payments.services.statement_profiles import save_profile
from payments.tests.matching import an_order
from payments.tests.statement_files import (
    FIRST_LINE,
    HEADER,
    TILL,
    as_csv,
    imported,
    receipt,
    row,
    rows,
    take,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]
Kind = StatementLine.Kind


def line(number: int = 1, **of: Any) -> StatementLine:
    return StatementLine.objects.get(receipt=receipt(number), **of)


def test_a_row_becomes_a_line() -> None:
    file = imported(as_csv([row(1)]))
    told = line()
    assert (told.provider, told.account, told.file, told.row) == (
        "vodacom_mpesa", TILL, file, FIRST_LINE,
    )  # fmt: skip
    assert (told.kind, told.amount, told.is_incoming) == (Kind.COLLECTION, 1000, True)
    assert (told.status, told.moves_money, told.balance) == ("Completed", True, 1000)
    assert told.completed_at == datetime(2025, 11, 20, 9, 0, 1, tzinfo=UTC)  # noon in EAT
    assert (told.reference, told.msisdn, told.party) == ("KNK1", "+255754000001", "JANE DOE")
    assert (told.bucket, told.version, told.currency) == (Bucket.NEW, 1, "TZS")
    assert file.begins_at == file.ends_at == told.completed_at


KINDS: dict[str, tuple[dict[str, str], Kind, int]] = {
    "pay bill": ({}, Kind.COLLECTION, 1000),
    "fee": (
        {"Reason Type": "Business Pay Bill Charge", "Paid In": "", "Withdrawn": "-25.00"},
        Kind.FEE,
        -25,
    ),
    "withdrawn without a minus": (
        {"Reason Type": "Organization Settle to Bank", "Paid In": "", "Withdrawn": "1,131,400.00"},
        Kind.SETTLEMENT,
        -1_131_400,
    ),
    "in brackets": (
        {
            "Reason Type": "Business Payment to Customer via API",
            "Paid In": "",
            "Withdrawn": "(2,500)",
        },
        Kind.DISBURSEMENT,
        -2500,
    ),
    "reversal": (
        {
            "Reason Type": "Pay Bill Online",
            "Linked Transaction ID": "bk00000009",
            "Paid In": "",
            "Withdrawn": "-1,000.00",
        },
        Kind.REVERSAL,
        -1000,
    ),
    "reversal by its name": (
        {"Reason Type": "Pay Bill Reversal", "Paid In": "", "Withdrawn": "TZS 1,000.00"},
        Kind.REVERSAL,
        -1000,
    ),
    "told in the details alone": ({"Reason Type": ""}, Kind.COLLECTION, 1000),
    "told nowhere": ({"Reason Type": "Xyz", "Details": "abc"}, Kind.OTHER, 1000),
    "a customer whose name is a word for a fee": (
        {"Reason Type": "", "Details": "Pay Bill from 255754000001 - ADA MUSHI Acc. KNK1"},
        Kind.COLLECTION,
        1000,
    ),
    "one whose name is a levy": (
        {"Reason Type": "", "Details": "Pay Bill Online 255754000002 EUGENE LEVY"},
        Kind.COLLECTION,
        1000,
    ),
    "an account that is a word for a reversal": (
        {"Reason Type": "", "Details": "Customer Payment Acc. REVERSE"},
        Kind.COLLECTION,
        1000,
    ),
    "a word that ends like a fee": (
        {"Reason Type": "", "Details": "Lipa Recharge"},
        Kind.COLLECTION,
        1000,
    ),
    "a fee that came in, by its details alone": (
        {"Reason Type": "", "Details": "Service fee"},
        Kind.OTHER,
        1000,
    ),
    "a fee by its details alone": (
        {"Reason Type": "", "Details": "Pay Bill Charge", "Paid In": "", "Withdrawn": "-25"},
        Kind.FEE,
        -25,
    ),
    "a reason in one word": ({"Reason Type": "CustomerPayBillOnline"}, Kind.COLLECTION, 1000),
    "we pay a bill": (
        {"Reason Type": "Business Pay Bill", "Paid In": "", "Withdrawn": "-700.00"},
        Kind.OTHER,
        -700,
    ),
}


@pytest.mark.parametrize("what", KINDS)
def test_what_a_row_is(what: str) -> None:
    cells, kind, amount = KINDS[what]
    imported(as_csv([row(1, **cells)]))
    assert (line().kind, line().amount) == (kind, amount)


@pytest.mark.parametrize(
    "written", ["1,000/=", "1000 TZS", "1,000Tsh.", "TZS 1,000/-", "1,000/= TZS", "1,000.00 TZS"]
)
def test_an_amount_with_its_currency(written: str) -> None:
    imported(as_csv([row(1, **{"Paid In": written})]))
    assert line().amount == 1000


@pytest.mark.parametrize("status", ["Failed", "Declined", "Cancelled", "Attempted", "Reversed"])
def test_only_completed_moves_money(status: str) -> None:
    imported(as_csv([row(1, **{"Transaction Status": status, "Paid In": ""})]))
    assert (line().moves_money, line().amount, line().status) == (False, 0, status)


@pytest.mark.parametrize(
    ("party", "msisdn", "name"),
    [
        ("2547****0111 - JANE DOE", "2547****0111", "JANE DOE"),
        ("0754123456 - JANE", "+255754123456", "JANE"),
        ("600999 - A SHOP LTD", "", "600999 - A SHOP LTD"),
        ("=HYPERLINK(1) JANE", "", "=HYPERLINK(1) JANE"),
        ("", "", ""),
    ],
)
def test_who_it_was(party: str, msisdn: str, name: str) -> None:
    imported(as_csv([row(1, **{"Other Party Info": party})]))
    assert (line().msisdn, line().party) == (msisdn, name)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(encoding: str, delimiter: str) -> None:
    lines = [row(1), row(2, **{"Other Party Info": "255754000002 - JOSÉ “JOE”"})]
    file = imported(as_csv(lines, encoding=encoding, delimiter=delimiter))
    assert (file.state, file.why, file.rows_new, file.rows_faulty) == ("read", "", 2, 0)
    assert line(2).party == "JOSÉ “JOE”"


@pytest.mark.parametrize(
    ("written", "dates"),
    [
        ("20-11-2025 12:00:01", ""),
        ("20/11/2025 12:00:01", ""),
        ("11/20/2025 12:00:01 PM", ""),
        ("20 Nov 2025 12:00:01", ""),
        ("2025-11-20T12:00:01", ""),
        ("2025-11-20 12:00:01.000", ""),
        ("20.11.25 12:00:01", "%d-%m-%y"),
        ("20251120 12:00:01", "%Y%m%d"),
    ],
)
def test_times_are_east_africas(written: str, dates: str) -> None:
    imported(as_csv([row(1, **{"Completion Time": written})]), dates=dates)
    assert line().completed_at == datetime(2025, 11, 20, 9, 0, 1, tzinfo=UTC)


def test_staff_may_say_which_order_the_dates_have() -> None:
    content = as_csv([row(1, **{"Completion Time": "03-11-2025 12:00:00"})])
    file = imported(content)
    assert file.state == "refused"
    assert read_again(file=file, dates="%d-%m-%Y")
    read_statement(file_id=file.pk)
    assert line().completed_at == datetime(2025, 11, 3, 9, tzinfo=UTC)


def test_totals_blank_rows_and_a_second_header_are_no_rows() -> None:
    total = ["Total", "", "", "", "", "3,000.00", *[""] * 7]
    file = imported(as_csv([row(1), [], row(2), [""] * 13, list(HEADER), row(3), total]))
    assert (file.rows_new, file.rows_faulty, file.rows) == (3, 0, 3)


def test_vodafones_cut_and_the_older_portal() -> None:
    header = ["Currency" if name == "Initiation Time" else name for name in HEADER[:-1]]
    header[header.index("Other Party Info")] = "Opposite Party"
    cells = row(1, **{"Initiation Time": "TZS"})[:-1]
    assert imported(as_csv([cells], header=header)).rows_new == 1
    legacy = [
        "Receipt", "Date", "Details", "Status", "Withdrawn", "Paid In", "Balance",
        "Balance Confirmed", "Transaction Type", "Other Party Info", "Transaction Party Details",
    ]  # fmt: skip
    cells = ["bk2", *row(2)[1:2], "d", "Completed", "", "500", "500", "", "Pay Utility", "", ""]
    cells[0], cells[8] = "bk00000002", "Pay Bill"
    file = imported(as_csv([cells], header=legacy))
    assert (file.rows_new, file.profile and file.profile.name) == (
        1,
        "Organisation portal, legacy (G1)",
    )
    assert line(2).amount == 500


def a_workbook(lines: list[list[Any]]) -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        book.add_worksheet("Empty")
        sheet = book.add_worksheet("Statement")
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for number, cells in enumerate([["Short code", 600100], [], HEADER, *lines]):
            for place, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, place, cell, day)
                else:
                    sheet.write(number, place, cell)
    return written.getvalue()


def test_a_workbook_with_numbers_and_dates_for_cells() -> None:
    cells: list[Any] = row(1)
    cells[HEADER.index("Completion Time")] = datetime(2025, 11, 20, 12, 0, 1)  # noqa: DTZ001
    cells[HEADER.index("Paid In")], cells[HEADER.index("Balance")] = 1000.0, 1000
    other: list[Any] = row(2)
    other[HEADER.index("Paid In")] = 1000.5
    rounded: list[Any] = row(3)
    rounded[HEADER.index("Receipt No.")] = 12345678901234567  # which the workbook keeps otherwise
    file = imported(a_workbook([cells, other, rounded]), name="statement.csv")
    assert (file.rows_new, file.rows_faulty) == (1, 2)
    assert (line().amount, line().row) == (1000, 4)
    assert list(FaultyRow.objects.values_list("row", flat=True)) == [5, 6]
    assert "is no receipt" in FaultyRow.objects.get(row=6).why
    assert line().completed_at == datetime(2025, 11, 20, 9, 0, 1, tzinfo=UTC)


def test_an_xls_with_numbers_and_dates_for_cells() -> None:
    file = imported((Path(__file__).parent / "portal.xls").read_bytes())
    assert (file.rows_new, file.rows_faulty, file.balance_breaks) == (3, 0, 0)
    told = StatementLine.objects.earliest("row")
    assert (told.row, told.amount, told.balance) == (6, 1000, 930_000)
    assert told.completed_at == datetime(2025, 11, 20, 9, 0, 5, tzinfo=UTC)


def test_the_same_content_is_taken_once() -> None:
    first, is_new = take_file(
        content=ContentFile(as_csv(rows(1, 2))), name="a.csv", provider="vodacom_mpesa",
        account=TILL, by=None,
    )  # fmt: skip
    again, is_new_again = take_file(
        content=ContentFile(as_csv(rows(1, 2))), name="b.csv", provider="vodacom_mpesa",
        account=TILL, by=None,
    )  # fmt: skip
    assert (is_new, is_new_again, first) == (True, False, again)
    assert StatementFile.objects.count() == 1


def test_a_refused_file_that_comes_again_with_what_it_lacked_is_read() -> None:
    content = as_csv([row(1, **{"Completion Time": "03-11-2025 11:00:00"})])
    refused = imported(content)
    assert imported(content).state == StatementFile.State.REFUSED
    file = imported(content, dates="%d-%m-%Y")
    assert (file, file.state, file.rows_new) == (refused, StatementFile.State.READ, 1)
    assert imported(content, dates="%m-%d-%Y").dates == "%d-%m-%Y"
    assert line().completed_at == datetime(2025, 11, 3, 8, tzinfo=UTC)


def test_a_refused_file_that_comes_again_is_read_by_a_profile_made_meanwhile() -> None:
    content = as_csv(rows(1, 2), header=[HEADER[0], "Muda", *HEADER[2:]])
    assert imported(content).state == StatementFile.State.REFUSED
    columns = {"receipt": ["Receipt No."], "completed_at": ["Muda"], "paid_in": ["Paid In"]}
    save_profile(name="Ours", provider="vodacom_mpesa", columns=columns, dates="", by=None)
    assert (imported(content).state, StatementLine.objects.count()) == ("read", 2)


def test_overlapping_files_add_what_is_new() -> None:
    imported(as_csv(rows(1, 10)))
    file = imported(as_csv(rows(6, 15)))
    assert (file.rows_new, file.rows_known, file.rows_changed) == (5, 5, 0)
    assert StatementLine.objects.count() == 15
    assert not LineVersion.objects.exists()


def test_a_row_that_is_told_otherwise_is_a_new_version() -> None:
    first = imported(as_csv(rows(1, 3)))
    StatementLine.objects.update(bucket=Bucket.MATCHED)
    file = imported(as_csv([row(1), row(2, **{"Transaction Status": "Reversed"}), row(3)]))
    assert (file.rows_new, file.rows_known, file.rows_changed) == (0, 2, 1)
    changed = line(2)
    assert (changed.version, changed.file, changed.bucket) == (2, file, Bucket.NEW)
    assert (changed.moves_money, changed.status) == (False, "Reversed")
    was = LineVersion.objects.get()
    assert (was.line, was.version, was.file, was.row) == (changed, 1, first, FIRST_LINE + 1)
    assert (was.was["status"], was.was["amount"], was.was["bucket"]) == (
        "Completed", 1000, Bucket.MATCHED,
    )  # fmt: skip
    assert line(1).bucket == Bucket.MATCHED


CHARGE = {"Reason Type": "Pay Bill Charge", "Paid In": "", "Withdrawn": "-25.00"}
PAID_OUT = {"Reason Type": "Business Payment to Customer", "Paid In": "", "Withdrawn": "-500.00"}


@pytest.mark.parametrize("nothing", ["0.00", ""])
@pytest.mark.parametrize(("cells", "amount"), [({}, 1000), (PAID_OUT, -500)])
@pytest.mark.parametrize("is_one_file", [True, False])
def test_what_is_told_later_without_its_amount_is_the_same_line(
    cells: dict[str, str], amount: int, nothing: str, is_one_file: bool
) -> None:
    before, fee = row(1, **cells), row(1, **CHARGE)
    reversed_ = row(
        1,
        **{
            **cells, "Transaction Status": "Reversed", "Paid In": nothing, "Withdrawn": nothing
        },
    )  # fmt: skip
    if is_one_file:
        assert imported(as_csv([before, fee, reversed_])).rows_faulty == 1
        return
    imported(as_csv([before, fee]))
    assert imported(as_csv([reversed_])).rows_changed == 1
    told = StatementLine.objects.exclude(kind=Kind.FEE).get()
    assert (told.kind, told.is_incoming) == (
        (Kind.COLLECTION, True) if amount > 0 else (Kind.DISBURSEMENT, False)
    )
    assert (told.amount, told.moves_money, told.version) == (0, False, 2)
    assert LineVersion.objects.get().was["amount"] == amount
    assert imported(as_csv([reversed_, row(2)])).rows_known == 1


def test_what_never_had_an_amount_is_a_line_of_its_own() -> None:
    cancelled = row(1, **{"Transaction Status": "Cancelled", "Paid In": "", "Withdrawn": ""})
    assert imported(as_csv([cancelled, row(2)])).rows_new == 2
    assert (line(1).kind, line(1).amount) == (Kind.COLLECTION, 0)


def test_a_fee_has_the_receipt_of_what_it_is_for() -> None:
    file = imported(as_csv([row(1), row(1, **CHARGE)]))
    assert file.rows_new == 2
    assert line(kind=Kind.FEE).amount == -25


def test_of_two_tills_each_has_its_lines() -> None:
    imported(as_csv(rows(1, 2), preamble=()))
    imported(as_csv(rows(1, 2), preamble=()), account="600200")
    assert StatementLine.objects.count() == 4


@pytest.mark.parametrize("batches", [1, 2])
def test_a_task_that_dies_is_followed_by_another(
    batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_statement, "BATCH", 3)
    left = list(range(batches))

    def dies(*arguments: Any) -> None:
        left.pop()
        keep_faults(*arguments)

    file = take(as_csv(rows(1, 10)))
    monkeypatch.setattr(import_statement, "keep_faults", dies)
    with pytest.raises(IndexError):
        read_statement(file_id=file.pk)
    monkeypatch.setattr(import_statement, "keep_faults", keep_faults)
    assert StatementLine.objects.count() == 3 * batches
    read_statement(file_id=file.pk)  # the claim still holds
    assert StatementLine.objects.count() == 3 * batches
    StatementFile.objects.update(touched_at=timezone.now() - 2 * LEASE)
    assert sweep_statements() == 1
    read_statement(file_id=file.pk)
    file.refresh_from_db()
    assert (file.state, file.rows, file.rows_new, file.rows_known) == ("read", 10, 10, 0)


def test_one_that_was_taken_over_stores_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_statement, "BATCH", 3)

    def overtaken(*_: Any) -> None:
        StatementFile.objects.update(touched_at=timezone.now() - timedelta(seconds=1))

    file = take(as_csv(rows(1, 10)))
    monkeypatch.setattr(import_statement, "keep_faults", overtaken)
    read_statement(file_id=file.pk)
    assert not StatementLine.objects.exists()
    assert StatementFile.objects.get().state == "reading"


def test_a_file_that_ends_every_task_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    file = take(as_csv(rows(1, 2)))
    StatementFile.objects.update(tries=import_statement.TRIES_MOST)
    read_statement(file_id=file.pk)
    file.refresh_from_db()
    assert file.state == "refused"


def test_the_matcher_is_told_once_a_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(import_statement, "hurry", lambda task, *_: told.append(task))
    monkeypatch.setitem(current_app.tasks, import_statement.MATCHER, "matcher")
    imported(as_csv(rows(1, 2)))
    assert told == ["matcher"]


def test_rows_are_inserted_where_loading_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise OperationalError(4166, "The used command is not allowed")

    monkeypatch.setattr(import_statement, "BATCH", 4)
    monkeypatch.setattr(keep_lines, "_load_file", refused)
    assert imported(as_csv(rows(1, 10))).rows_new == 10
    assert imported(as_csv(rows(5, 12))).rows_new == 2


def test_plain_lines_are_stored_in_their_bucket() -> None:
    for number in (1, 2, 3):
        an_order(receipt=receipt(number), amount=2000 if number == 2 else 1000)
    imported(as_csv([*rows(1, 4), row(5, **{"Transaction Status": "Failed"})]))
    buckets = [line(number).bucket for number in range(1, 6)]
    assert buckets == [Bucket.MATCHED, Bucket.NEW, Bucket.MATCHED, Bucket.NEW, Bucket.NEW]
    made = Match.objects.order_by("line").values_list("line", "attempt__provider_transaction_id")
    assert list(made) == [(line(number).pk, receipt(number)) for number in (1, 3)]
    assert set(Match.objects.values_list("rule", "state", "why")) == {
        ("R1", "confirmed", "receipt, amount")
    }


@pytest.mark.parametrize("is_first_plain", [True, False])
def test_a_receipt_that_a_later_batch_tells_again_is_nobodys(
    is_first_plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_statement, "BATCH", 1)
    an_order(receipt=receipt(1))
    again = {"Receipt No.": receipt(1), "Reason Type": "Adjustment", "Details": "Adjustment"}
    fee = row(3, **{**CHARGE, "Receipt No.": receipt(1)})
    lines = [row(1), row(2, **again)]
    file = imported(as_csv([fee, *(lines if is_first_plain else reversed(lines))]))
    match_statements()
    told = StatementLine.objects.exclude(kind=Kind.FEE)
    assert (file.rows_new, set(told.values_list("bucket", flat=True))) == (3, {"duplicate_line"})
    assert not Match.objects.filter(is_live=True).exists()


def test_a_file_of_others_money_is_left_to_the_matcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_statement, "BATCH", 1)
    an_order(receipt=receipt(3))
    imported(as_csv(rows(1, 4)))
    assert set(StatementLine.objects.values_list("bucket", flat=True)) == {Bucket.NEW}
    match_statements()
    assert line(3).bucket == Bucket.MATCHED


def test_the_number_of_queries_is_that_of_the_batches(
    django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = take(as_csv(rows(1, 2000)))
    with django_assert_max_num_queries(40):
        read_statement(file_id=file.pk)
    assert StatementLine.objects.count() == 2000


def test_from_a_terminal(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "november.csv"
    path.write_bytes(as_csv([*rows(1, 4), row(6)]))
    call_command("import_statement", str(path), provider="vodacom_mpesa", account=TILL)
    said = capsys.readouterr().out
    assert "5 new, 0 changed, 0 known, 0 faulty" in said
    assert "1 line" in said
    call_command("import_statement", str(path), provider="vodacom_mpesa", account=TILL)
    assert "was imported before" in capsys.readouterr().out
    path.write_bytes(b"%PDF-1.4")
    with pytest.raises(CommandError, match="is a PDF"):
        call_command("import_statement", str(path), provider="vodacom_mpesa", account=TILL)


WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), max_size=20
).map(str.strip)  # fmt: skip
AMOUNTS = st.integers(1, 10**9)


@st.composite
def movements(draw: st.DrawFn) -> list[tuple[list[str], int, int, str]]:
    """Rows with what they should be read as: amount, balance, details."""
    balance, made = draw(st.integers(0, 10**9)), []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        amount, details = draw(AMOUNTS), draw(WORDS)
        goes_out = draw(st.booleans())
        balance += -amount if goes_out else amount
        sign = draw(st.sampled_from(["", "-"]))
        cells = row(
            number,
            **{
                "Paid In": "" if goes_out else f"{amount:,}.00",
                "Withdrawn": f"{sign}{amount:,}.00" if goes_out else "",
                "Balance": f"{balance:,}.00",
                "Details": details,
            },
        )
        made.append((cells, -amount if goes_out else amount, balance, details))
    return made


def told() -> list[tuple[Any, ...]]:
    columns = (*keep_lines.READ, "bucket", "version", "balance_breaks", "account")
    return list(StatementLine.objects.order_by("receipt", "kind").values_list(*columns))


def forget() -> None:
    for model in (LineVersion, FaultyRow, StatementLine, StatementFile, StatementProfile):
        model.objects.all().delete()


LONGER = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LONGER
@given(movements(), st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-16"]))
def test_what_was_written_is_read(
    made: list[tuple[list[str], int, int, str]], delimiter: str, encoding: str
) -> None:
    forget()
    content = as_csv([cells for cells, *_ in made], delimiter=delimiter, encoding=encoding)
    file = imported(content)
    assert (file.rows_faulty, file.balance_breaks) == (0, 0)
    lines = StatementLine.objects.order_by("receipt").values_list("amount", "balance", "details")
    assert list(lines) == [(amount, balance, details) for _, amount, balance, details in made]


@LONGER
@given(st.data())
def test_any_pieces_in_any_order_are_the_whole(data: st.DataObject) -> None:
    forget()
    made = [cells for cells, *_ in data.draw(movements())]
    imported(as_csv(made))
    whole = told()
    forget()
    cuts = st.tuples(st.integers(0, len(made) - 1), st.integers(1, len(made)))
    pieces = data.draw(st.lists(cuts, max_size=4))
    pieces = [(first, min(first + size, len(made))) for first, size in pieces]
    reached = sorted({0, len(made), *(end for piece in pieces for end in piece)})
    pieces += list(pairwise(reached))
    for first, last in data.draw(st.permutations(pieces)):
        piece = made[first:last]
        imported(as_csv(piece[::-1] if data.draw(st.booleans()) else piece))
    assert told() == whole
    again = imported(as_csv(made[::-1], preamble=[("Once more",)]))
    assert again.rows_new == again.rows_changed == 0
    assert told() == whole
