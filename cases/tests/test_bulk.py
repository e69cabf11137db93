"""One verb upon many cases: what is left out, what is undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.errors import CaseClosed, NotLater, TooMany
from cases.models import Bulk, Case
from cases.services.bulk import act_on_many, preview, undo
from cases.services.claim import claim_case
from cases.services.close import resolve
from cases.services.put_off import assign_case, note
from cases.tests.workers import a_case, a_worker

pytestmark = pytest.mark.django_db(transaction=True)

RESOLVE, SNOOZE, ASSIGN = Bulk.Verb.RESOLVE, Bulk.Verb.SNOOZE, Bulk.Verb.ASSIGN


@pytest.fixture
def asha() -> Any:
    return a_worker("Asha")


@pytest.fixture
def juma() -> Any:
    return a_worker("Juma")


def everything() -> list[int]:
    return list(Case.objects.values_list("pk", flat=True))


def rows() -> list[dict[str, Any]]:
    """All that staff can change of the cases."""
    columns = ["pk", "state", "owner", "claimed_until", "snoozed_until", "resolution", "proposal"]
    return list(Case.objects.order_by("pk").values(*columns))


def test_what_others_have_and_what_needs_a_second_person_is_left_out_and_said(
    asha: Any, juma: Any
) -> None:
    free, own = a_case(1, amount=100), a_case(2, amount=200)
    claimed, dear, closed = a_case(3), a_case(4, amount=50_001), a_case(5)
    proposed = a_case(6, amount=60_000)
    claim_case(case_id=own.pk, by_id=asha.pk)
    claim_case(case_id=claimed.pk, by_id=juma.pk)
    resolve(case_id=closed.pk, why="x", by_id=juma.pk)
    resolve(case_id=proposed.pk, why="x", by_id=juma.pk)
    seen = preview(verb=RESOLVE, case_ids=everything(), by_id=asha.pk)
    assert list(seen.taken) == [free, own]
    assert seen.amount == 300
    reasons = dict(seen.left)
    assert reasons[claimed].startswith("Juma works on this case until")
    assert "second person is needed" in reasons[dear]
    assert reasons[closed] == "This case is resolved already."
    assert "Juma has proposed" in reasons[proposed]

    bulk = act_on_many(key="k", verb=RESOLVE, case_ids=everything(), why="bank", by_id=asha.pk)
    assert (bulk.cases, bulk.amount) == (2, 300)
    assert set(Case.objects.filter(resolution="bank")) == {free, own}
    assert {event.case for event in bulk.events.all()} == {free, own}


def test_above_the_limit_a_case_may_be_snoozed_with_others(asha: Any) -> None:
    dear = a_case(amount=50_001)
    assert preview(verb=SNOOZE, case_ids=[dear.pk], by_id=asha.pk).taken == [dear]


@pytest.mark.parametrize("verb", [RESOLVE, SNOOZE, ASSIGN])
def test_undoing_puts_back_exactly_what_was(asha: Any, juma: Any, verb: Bulk.Verb) -> None:
    _, own, snoozed = (a_case(number) for number in range(3))
    claim_case(case_id=own.pk, by_id=asha.pk)
    moment = timezone.now().replace(microsecond=0) + timedelta(minutes=10)
    Case.objects.filter(pk=own.pk).update(claimed_until=moment)
    Case.objects.filter(pk=snoozed.pk).update(snoozed_until=moment)
    before = rows()
    bulk = act_on_many(
        key="k",
        verb=verb,
        case_ids=everything(),
        why="x",
        by_id=asha.pk,
        until=timezone.now() + timedelta(days=1),
        to_id=juma.pk,
    )
    assert bulk.cases == 3
    assert all(row != old for row, old in zip(rows(), before, strict=True))
    assert undo(bulk_id=bulk.pk, by_id=asha.pk) == (3, 0)
    assert rows() == before
    with pytest.raises(CaseClosed, match="undone already"):
        undo(bulk_id=bulk.pk, by_id=asha.pk)


def test_what_somebody_touched_since_stays(asha: Any, juma: Any) -> None:
    touched, noted, twice, asked_anew, left = (a_case(number) for number in range(5))
    later = {"until": timezone.now() + timedelta(days=1), "why": "x", "by_id": asha.pk}
    bulk = act_on_many(key="k", verb=SNOOZE, case_ids=everything(), **later)
    assign_case(case_id=touched.pk, to_id=juma.pk, why="x", by_id=asha.pk)
    note(case_id=noted.pk, text="x", by_id=juma.pk)
    act_on_many(key="l", verb=SNOOZE, case_ids=[twice.pk, asked_anew.pk], **later)
    assert undo(bulk_id=bulk.pk, by_id=asha.pk) == (1, 4)
    left.refresh_from_db()
    assert left.snoozed_until is None
    assert Case.objects.filter(snoozed_until__isnull=False).count() == 3


def test_a_question_that_is_open_again_elsewhere_is_not_opened_twice(asha: Any) -> None:
    first, second = a_case(1), a_case(2)
    bulk = act_on_many(key="k", verb=RESOLVE, case_ids=everything(), why="x", by_id=asha.pk)
    assert a_case(1) != first
    assert undo(bulk_id=bulk.pk, by_id=asha.pk) == (1, 1)
    second.refresh_from_db()
    assert second.state == Case.State.OPEN


def test_a_page_that_is_sent_twice_is_done_once(asha: Any) -> None:
    a_case()
    sent = {"key": "k", "verb": RESOLVE, "case_ids": everything(), "why": "x", "by_id": asha.pk}
    assert act_on_many(**sent) == act_on_many(**sent)
    assert Case.objects.get().events.count() == 1


def test_what_cannot_be_done_is_refused(asha: Any) -> None:
    case = a_case()
    with pytest.raises(TooMany):
        preview(verb=RESOLVE, case_ids=range(501), by_id=asha.pk)
    with pytest.raises(NotLater):
        act_on_many(key="k", verb=SNOOZE, case_ids=[case.pk], why="x", by_id=asha.pk)
    resolve(case_id=case.pk, why="x", by_id=asha.pk)
    with pytest.raises(CaseClosed):
        act_on_many(key="k", verb=RESOLVE, case_ids=[case.pk], why="x", by_id=asha.pk)
    assert not Bulk.objects.exists()
