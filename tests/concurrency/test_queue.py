"""Many members of staff press "next" at once: each gets a case of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from cases.models import Bulk, Case
from cases.services.bulk import act_on_many, undo
from cases.services.claim import claim_next
from cases.tests.workers import a_case, a_worker
from tests.at_once import at_once

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

PEOPLE = 12


def test_two_who_press_next_never_get_the_same_case() -> None:
    people = [a_worker(f"Worker{number}") for number in range(PEOPLE)]
    for number in range(PEOPLE - 2):
        a_case(number, amount=number)
    ended = at_once([partial(claim_next, by_id=person.pk) for person in people])
    assert ended.errors == []
    claimed = [case.pk for case in ended.results if case is not None]
    assert len(claimed) == len(set(claimed)) == PEOPLE - 2
    assert Case.objects.filter(claimed_until__isnull=False).count() == PEOPLE - 2
    for case in Case.objects.all():
        assert case.events.count() == 1


def test_a_bulk_that_is_sent_and_undone_at_once_counts_each_case_once() -> None:
    person = a_worker()
    ids = [a_case(number).pk for number in range(30)]
    send = partial(
        act_on_many, key="k", verb=Bulk.Verb.RESOLVE, case_ids=ids, why="x", by_id=person.pk
    )
    sent = at_once([send] * 4)
    assert sent.errors == []
    assert len({bulk.pk for bulk in sent.results}) == 1
    calls: list[Callable[[], tuple[int, int]]] = [
        partial(undo, bulk_id=sent.results[0].pk, by_id=person.pk)
    ] * 4
    undone = at_once(calls)
    assert undone.results == [(30, 0)]
    assert {type(error).__name__ for error in undone.errors} == {"CaseClosed"}
    assert Case.objects.filter(state="open").count() == 30
