"""What passed is told exactly once, whatever is lost, repeated or restarted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vpn.agent.backend import Bytes
from vpn.agent.books import Books, Report

PAIR = (7, 3)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def composed(books: Books, epoch: str = "e1") -> tuple[Report, dict[str, Any]]:
    books.compose(epoch, {"at": 5})
    report = books.under_way()
    assert report is not None
    return report, json.loads(report.body)


def test_a_report_has_what_changed_since_the_server_confirmed(books: Books) -> None:
    books.record("e1", {PAIR: Bytes(10, 20), (8, 3): Bytes(1, 1)}, {PAIR: 99})
    report, body = composed(books)
    assert body["counters"] == [[7, 3, 10, 20, 99], [8, 3, 1, 1, 0]]
    assert (body["epoch"], body["sequence"], body["at"]) == ("e1", 1, 5)
    books.confirmed(report)
    books.record("e1", {PAIR: Bytes(15, 20), (8, 3): Bytes(1, 1)}, {PAIR: 99})
    _, body = composed(books)
    assert body["counters"] == [[7, 3, 15, 20, 99]]
    assert body["sequence"] == 2


def test_an_unconfirmed_report_is_the_same_to_the_byte_after_a_restart(
    books: Books, tmp_path: Path
) -> None:
    books.record("e1", {PAIR: Bytes(10, 20)}, {})
    report, _ = composed(books)
    books.record("e1", {PAIR: Bytes(50, 60)}, {})
    again = Books(tmp_path)
    again.compose("e1", {"at": 6})
    assert again.under_way() == report


def test_the_sequence_goes_on_after_a_restart(books: Books, tmp_path: Path) -> None:
    report, _ = composed(books)
    books.confirmed(report)
    again = Books(tmp_path)
    assert again.under_way() is None
    assert composed(again)[1]["sequence"] == 2


def test_another_epochs_last_figures_are_told_first_and_then_forgotten(
    books: Books, tmp_path: Path
) -> None:
    books.record("e1", {PAIR: Bytes(10, 20)}, {})
    again = Books(tmp_path)
    again.record("e2", {PAIR: Bytes(1, 2)}, {})
    assert again.has_untold(besides="e2")
    again.close_epochs(besides="e2")
    report, body = composed(again, "e2")
    assert (body["epoch"], body["counters"]) == ("e1", [[7, 3, 10, 20, 0]])
    again.confirmed(report)
    assert not again.has_untold(besides="e2")
    again.close_epochs(besides="e2")
    assert again.used("e1") == {}
    assert composed(again, "e2")[1]["counters"] == [[7, 3, 1, 2, 0]]


def test_a_pair_that_is_read_no_more_keeps_its_last_figures(books: Books) -> None:
    books.record("e1", {PAIR: Bytes(10, 20), (8, 3): Bytes(1, 2)}, {})
    books.record("e1", {(8, 3): Bytes(4, 2)}, {})
    assert books.counted("e1") == {PAIR: Bytes(10, 20), (8, 3): Bytes(4, 2)}
    assert books.used("e1") == {3: 36}


def test_a_handshake_is_remembered_when_wireguard_forgets_it(books: Books) -> None:
    books.record("e1", {PAIR: Bytes(1, 1)}, {PAIR: 99})
    books.record("e1", {PAIR: Bytes(2, 1)}, {PAIR: 0})
    assert composed(books)[1]["counters"] == [[7, 3, 2, 1, 99]]


def test_what_the_server_never_takes_is_told_in_the_next_report(books: Books) -> None:
    books.record("e1", {PAIR: Bytes(10, 20)}, {})
    report, _ = composed(books)
    books.abandon(report)
    _, body = composed(books)
    assert body["sequence"] == 2
    assert body["counters"] == [[7, 3, 10, 20, 0]]


def test_a_late_confirmation_of_an_older_report_confirms_nothing(books: Books) -> None:
    books.record("e1", {PAIR: Bytes(10, 20)}, {})
    report, _ = composed(books)
    books.confirmed(Report(report.sequence - 1, b"{}"))
    assert books.under_way() == report
