"""Closing, opening again, undoing a match and recording by hand exclude one another for a provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Event
from time import monotonic
from typing import Any

import pytest
from django.db import connection

from payments import ledger
from payments.days.figures import Figures, figures_of
from payments.models import Bucket, Certificate, DayClose, Match
from payments.services import close_day as closing
from payments.services.close_day import close_day
from payments.services.decide_match import undo_match
from payments.services.record_bank import Movement, record_bank
from payments.services.reopen_day import ask_to_reopen, decide_reopening
from payments.tests.days import DAY, TIGO, Statement, a_person, collection_till, paid
from tests.at_once import at_once

NEXT = DAY + timedelta(days=1)
pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


LOOK_EVERY_SECONDS = 0.15  # InnoDB shows its transactions anew after 0.1 s in which nobody looked
ALONE_SECONDS = 2.0  # how long a closing holds on where nobody waits for it


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        )
        return bool(cursor.fetchone()[0])


@pytest.fixture
def counted() -> Event:
    """A closing has counted its day, and has not committed."""
    return Event()


@pytest.fixture
def statement(monkeypatch: pytest.MonkeyPatch, counted: Event) -> Statement:
    """Of two days, whose closing holds on until another transaction waits for it."""

    def held(*day: Any) -> Figures:
        figures = figures_of(*day)
        counted.set()
        deadline = monotonic() + ALONE_SECONDS
        while not is_waited_for() and monotonic() < deadline:
            Event().wait(LOOK_EVERY_SECONDS)
        return figures

    monkeypatch.setattr(closing, "figures_of", held)
    statement = Statement()
    for day in (DAY, NEXT):
        statement.file(day)
        paid(statement, 1000, day=day)
    return statement


def close(day: Any) -> Callable[[], object]:
    return partial(close_day, till=collection_till(), day=day, by=a_person(), note="as it is")


def is_closed(day: Any) -> bool:
    return DayClose.objects.filter(day=day, state="closed").exists()


def after(counted: Event, act: Callable[..., object], **named: Any) -> Callable[[], object]:
    """Once the other one has counted its day, before it commits."""

    def run() -> object:
        assert counted.wait(60), "nobody closes"
        return act(**named)

    return run


def test_two_days_are_never_both_the_first(statement: Statement) -> None:
    at_once([close(DAY), close(NEXT)])
    first, *rest = Certificate.objects.order_by("pk")
    assert first.previous_hash == ""
    assert [each.previous_hash for each in rest] == [first.hash] * len(rest)
    assert not rest or first.day_close.day == DAY


def test_a_day_is_not_closed_after_one_that_is_opened_again(
    statement: Statement, counted: Event
) -> None:
    close(DAY)()
    counted.clear()
    asked = ask_to_reopen(till=collection_till(), day=DAY, by=a_person(), why="late")
    decide = after(
        counted,
        decide_reopening,
        reopening_id=asked.pk,
        by=a_person(),
        why="right",
        is_approved=True,
    )
    ended = at_once([close(NEXT), decide])
    assert ended.errors == []
    assert not is_closed(DAY)
    assert not is_closed(NEXT)


def test_a_match_is_not_undone_while_its_day_is_closed(
    statement: Statement, counted: Event
) -> None:
    match = Match.objects.order_by("pk").first()
    assert match is not None
    undo = after(counted, undo_match, match_id=match.pk, by=a_person(), why="wrong")
    ended = at_once([close(DAY), undo])
    assert len(ended.errors) == 1
    match.refresh_from_db()
    assert is_closed(DAY)
    assert match.is_live


def test_a_movement_is_recorded_by_hand_while_it_is_booked(
    statement: Statement, counted: Event
) -> None:
    line = statement.line(-400, kind="settlement", day=DAY, bucket=Bucket.OWN_MOVEMENT, balance=600)
    record = after(
        counted,
        record_bank,
        movement=Movement.SETTLEMENT,
        provider=TIGO,
        amount=400,
        reference=line.receipt,
        note="by hand",
    )
    ended = at_once([close(DAY), record])
    assert ended.errors == []
    assert ledger.balance(ledger.BANK) == 400
