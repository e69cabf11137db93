"""A statement stored by turns on two connections leaves what it does on one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from cases.models import Case
from payments.models import FaultyRow, LineVersion, Match, StatementFile, StatementLine
from payments.services import import_statement
from payments.services.by_turns import by_turns
from payments.services.import_statement import LEASE, TakenOver, read_statement
from payments.services.keep_lines import READ
from payments.services.match.run import match_statements
from payments.tests.matching import an_order
from payments.tests.statement_files import as_csv, imported, receipt, row, rows, take

pytestmark = [
    pytest.mark.mariadb,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_broker"),
]
OTHERWISE = {"Paid In": "9,000.00"}
DECLINED = {"Transaction Status": "Declined", "Paid In": ""}
AGAIN = {"Reason Type": "Adjustment", "Details": "Adjustment"}
# Of the rows of each batch of four some tell of a receipt of the one right before it.
BATCH = 4
ROWS = [
    *rows(1, 4),
    *(row(4), row(3, **OTHERWISE), row(5), row(21)),
    *(row(5, **OTHERWISE), row(21), row(4, **AGAIN), row(22)),
    *(row(22, **OTHERWISE), row(6), row(7), ["BK00000099", "no time"]),
    *(row(6, **DECLINED), row(7, **OTHERWISE), row(8), row(9)),  # of a kind that is to be asked
    *(row(8), row(9, **OTHERWISE), row(10), row(11)),
]
EARLIER = [row(2), row(4, **OTHERWISE), row(10, **DECLINED), row(22, **OTHERWISE)]
Store = Callable[..., None]


def one_after_the_other(batches: Any, halves: Any, whole: Any) -> None:
    for batch in batches:
        whole(batch)


def left_by(store: Store, trouble: Exception | None, place: str, call: int) -> dict[str, list[Any]]:
    """What is there after an import, in which a call has gone wrong, and the matching of its lines."""
    forget()
    imported(as_csv(EARLIER), name="earlier.csv")
    file = take(as_csv(ROWS), name="later.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_statement, "BATCH", BATCH)
        patch.setattr(import_statement, "by_turns", store)
        if trouble:
            patch.setattr(import_statement, place, failing(place, call, trouble))
        if isinstance(trouble, ValueError):
            with pytest.raises(ValueError, match="ours"):
                read_statement(file_id=file.pk)
            StatementFile.objects.update(touched_at=timezone.now() - 2 * LEASE)
            read_statement(file_id=file.pk)
        else:
            read_statement(file_id=file.pk)
    match_statements()
    return told()


def failing(place: str, call: int, trouble: Exception) -> Callable[..., Any]:
    """A function of the import that raises at one of its calls."""
    calls, real = count(1), getattr(import_statement, place)

    def fails_once(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            raise trouble
        return real(*arguments, **named)

    return fails_once


def forget() -> None:
    for model in (Case, Match, LineVersion, FaultyRow, StatementLine, StatementFile):
        model.objects.all().delete()


def told() -> dict[str, list[Any]]:
    """All but ids and the time; lines in the order in which they were stored."""
    line = (*READ, "row", "version", "bucket", "balance_breaks", "file__name")
    file = (
        "name", "state", "rows", "rows_new", "rows_changed", "rows_known", "rows_faulty",
        "begins_at", "ends_at", "opening_balance", "closing_balance", "balance_breaks",
    )  # fmt: skip
    version = ("line__receipt", "version", "row", "was", "file__name")
    match = ("line__receipt", "line__kind", "attempt__provider_transaction_id", "rule", "state")
    return {
        "lines": list(StatementLine.objects.order_by("pk").values_list(*line)),
        "files": list(StatementFile.objects.order_by("pk").values_list(*file)),
        "versions": list(LineVersion.objects.order_by("pk").values_list(*version)),
        "faults": list(FaultyRow.objects.order_by("pk").values_list("row", "text", "why")),
        "matches": sorted(Match.objects.values_list(*match, "is_live"), key=str),
        "cases": sorted(Case.objects.values_list("kind", "state", "amount", "detail"), key=str),
    }


def connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("trouble", "place", "call"),
    [
        (None, "", 0),
        (OperationalError(1213, "Deadlock found"), "insert_lines", 3),
        (OperationalError(1213, "Deadlock found"), "keep_faults", 2),
        (OperationalError(1205, "Lock wait timeout exceeded"), "_touch", 7),
        (TakenOver(), "_touch", 4),
        (ValueError("ours"), "keep_faults", 3),
    ],
)
def test_it_leaves_what_one_batch_after_the_other_does(
    trouble: Exception | None, place: str, call: int, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (*range(1, 12), 22):
        an_order(receipt=receipt(number))
    before = connections()
    expected = left_by(one_after_the_other, trouble, place, call)
    caplog.clear()
    found = left_by(by_turns, trouble, place, call)
    for what, rows_of_it in expected.items():
        assert (what, found[what]) == (what, rows_of_it)
    assert all(expected[what] for what in ("lines", "versions", "matches"))
    assert connections() == before
    is_undone = any("on its own" in record.message for record in caplog.records)
    assert is_undone == isinstance(trouble, OperationalError)
