"""Lines are matched once, however many runs and people are at it at the same time."""

from __future__ import annotations

from functools import partial

import pytest

from accounts.models import User
from payments.errors import NotDecidable
from payments.invariants.statements import INVARIANTS
from payments.models import Bucket, Match, StatementLine
from payments.services.decide_match import match_by_hand
from payments.services.import_statement import read_statement
from payments.services.match.run import match_statements
from payments.services.match.turn import Turn
from payments.tests.matching import a_line, an_order
from payments.tests.statement_files import as_csv, receipt, rows, take
from tests.at_once import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def test_runs_at_the_same_time_match_each_line_once() -> None:
    for number in range(30):
        an_order(receipt=f"QA{number}")
        a_line(f"QA{number}")
    at_once([match_statements] * 3)
    match_statements()
    assert Match.objects.count() == 30
    assert set(StatementLine.objects.values_list("bucket", flat=True)) == {Bucket.MATCHED}


def test_runs_that_both_believe_it_is_their_turn_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a pause in which the claim ran out: the loser ends, and nothing is there twice."""
    monkeypatch.setattr(Turn, "take", lambda turn: True)
    monkeypatch.setattr(Turn, "renew", lambda turn: True)
    phone = "+255754000001"
    for number in range(30):
        an_order(receipt=f"QA{number}")
        a_line(f"QA{number}")
    an_order(phone=phone)
    a_line(msisdn=phone)
    at_once([match_statements] * 3)
    match_statements()
    assert Match.objects.filter(is_live=True, state="confirmed").count() == 30
    assert Match.objects.filter(is_live=True, state="suggested").count() == 1
    assert all(not list(each.find()) for each in INVARIANTS)


def test_files_that_tell_of_the_same_payments_are_read_at_the_same_time() -> None:
    """Of two lines for one payment neither is in the way of the other file, nor matched beside it."""
    for number in range(1, 31):
        an_order(receipt=receipt(number))
    files = [take(as_csv(rows(1, 30), preamble=()), account=each) for each in ("600100", "600200")]
    ended = at_once([partial(read_statement, file_id=file.pk) for file in files])
    match_statements()
    assert not ended.errors
    assert StatementLine.objects.exclude(bucket=Bucket.NEW).count() == 60
    assert Match.objects.filter(is_live=True).count() in (0, 30)
    assert all(not list(each.find()) for each in INVARIANTS)


def test_two_people_choose_different_lines_for_one_payment() -> None:
    order = an_order()
    lines = [a_line(), a_line()]
    match_statements()
    people = [
        User.objects.create_superuser(f"person{number}@example.test", "x", full_name="Person")
        for number in range(2)
    ]
    ended = at_once(
        [
            partial(
                match_by_hand, line_id=line.pk, reference=order.reference, by=person, why="it is"
            )
            for line, person in zip(lines, people, strict=True)
        ]
    )
    assert (len(ended.results), [type(error) for error in ended.errors]) == (1, [NotDecidable])
    assert Match.objects.filter(is_live=True).count() == 1
