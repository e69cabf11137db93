"""Claim, next, release, snooze, assign, note, resolve, reopen: who may, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.errors import (
    CaseClosed,
    CaseTaken,
    NeedsSecondPerson,
    NotAWorker,
    NothingProposed,
    NotLater,
    OwnProposal,
)
from cases.models import Bulk, Case, CaseEvent, CaseKind, CaseRules
from cases.services import open_case, resolve_by_itself, resolve_case, resolve_cases
from cases.services.bulk import act_on_many
from cases.services.claim import claim_case, claim_next, keep_claim, release_case
from cases.services.close import confirm_resolution, refuse_resolution, reopen, resolve
from cases.services.put_off import assign_case, note, snooze_case
from cases.tests.workers import a_case, a_worker

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def asha() -> Any:
    return a_worker("Asha")


@pytest.fixture
def juma() -> Any:
    return a_worker("Juma")


def run_out(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(claimed_until=timezone.now())


def verbs(case: Case) -> list[str]:
    return [event.verb for event in case.events.all()]


# Claiming


def test_next_is_the_highest_ranked_free_case(asha: Any, juma: Any) -> None:
    low, high = a_case(1, amount=100), a_case(2, amount=900)
    assert claim_next(by_id=asha.pk) == high
    assert claim_next(by_id=juma.pk) == low
    assert claim_next(by_id=juma.pk) is None
    high.refresh_from_db()
    assert high.owner == asha
    assert high.claimed_until is not None
    assert HOUR / 5 < high.claimed_until - timezone.now() <= HOUR / 4


def test_a_claim_that_ran_out_is_free(asha: Any, juma: Any) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=asha.pk)
    run_out(case)
    assert claim_next(by_id=juma.pk) == case
    case.refresh_from_db()
    assert case.owner == juma


def test_who_works_on_a_claimed_case_keeps_it(asha: Any, juma: Any) -> None:
    case = a_case()
    case = claim_case(case_id=case.pk, by_id=asha.pk)
    soon = timezone.now() + timedelta(minutes=1)
    works: list[Callable[[], object]] = [
        lambda: keep_claim(case=case, by_id=asha.pk),
        lambda: claim_case(case_id=case.pk, by_id=asha.pk),
        lambda: note(case_id=case.pk, text="called her", by_id=asha.pk),
    ]
    for work in works:
        Case.objects.filter(pk=case.pk).update(claimed_until=soon)
        case.refresh_from_db()
        work()
        case.refresh_from_db()
        assert case.claimed_until is not None
        assert case.claimed_until > soon + timedelta(minutes=10)
    Case.objects.filter(pk=case.pk).update(claimed_until=soon)
    case.refresh_from_db()
    keep_claim(case=case, by_id=juma.pk)
    note(case_id=case.pk, text="saw it", by_id=juma.pk)
    case.refresh_from_db()
    assert case.claimed_until == soon
    assert verbs(case) == ["claimed", "noted", "noted"]


def test_a_claim_that_ran_out_is_not_kept_by_looking(asha: Any) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=asha.pk)
    run_out(case)
    case.refresh_from_db()
    ended = case.claimed_until
    keep_claim(case=case, by_id=asha.pk)
    case.refresh_from_db()
    assert case.claimed_until == ended


def test_what_others_do_to_a_claimed_case_is_refused_with_a_name_and_a_time(
    asha: Any, juma: Any
) -> None:
    case = a_case()
    claimed = claim_case(case_id=case.pk, by_id=asha.pk)
    assert claimed.claimed_until is not None
    until = f"{timezone.localtime(claimed.claimed_until):%H:%M}"
    later = timezone.now() + HOUR
    refused: list[Callable[[], object]] = [
        lambda: claim_case(case_id=case.pk, by_id=juma.pk),
        lambda: release_case(case_id=case.pk, by_id=juma.pk),
        lambda: snooze_case(case_id=case.pk, until=later, why="x", by_id=juma.pk),
        lambda: assign_case(case_id=case.pk, to_id=juma.pk, why="x", by_id=juma.pk),
        lambda: resolve(case_id=case.pk, why="x", by_id=juma.pk),
    ]
    for verb in refused:
        with pytest.raises(CaseTaken, match=f"^Asha works on this case until {until}.$"):
            verb()
    case.refresh_from_db()
    assert (case.owner, case.state, verbs(case)) == (asha, "open", ["claimed"])


def test_a_released_case_is_anybodys(asha: Any, juma: Any) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=asha.pk)
    release_case(case_id=case.pk, by_id=asha.pk)
    assert claim_next(by_id=juma.pk) == case


# Putting off


def test_a_snoozed_case_is_out_of_the_queue_until_its_day(asha: Any) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=asha.pk)
    snooze_case(case_id=case.pk, until=timezone.now() + HOUR, why="she calls", by_id=asha.pk)
    assert claim_next(by_id=asha.pk) is None
    case.refresh_from_db()
    assert case.owner is None
    Case.objects.update(snoozed_until=timezone.now())
    assert claim_next(by_id=asha.pk) == case


def test_snoozing_needs_a_moment_to_come(asha: Any) -> None:
    with pytest.raises(NotLater):
        snooze_case(case_id=a_case().pk, until=timezone.now(), why="x", by_id=asha.pk)


@pytest.mark.parametrize("is_bulk", [False, True])
def test_nobody_snoozes_a_case_out_of_sight(asha: Any, is_bulk: bool) -> None:
    case, now = a_case(), timezone.now()

    def snooze(until: datetime) -> None:
        if is_bulk:
            act_on_many(
                key=str(until),
                verb=Bulk.Verb.SNOOZE,
                case_ids=[case.pk],
                why="x",
                by_id=asha.pk,
                until=until,
            )
        else:
            snooze_case(case_id=case.pk, until=until, why="x", by_id=asha.pk)

    with pytest.raises(NotLater, match="30 days at most"):
        snooze(now + timedelta(days=31))
    snooze(now + timedelta(days=30))
    case.refresh_from_db()
    assert case.snoozed_until == now + timedelta(days=30)


def test_an_assigned_case_is_theirs_alone_until_it_is_given_to_another(
    asha: Any, juma: Any
) -> None:
    case = a_case()
    assign_case(case_id=case.pk, to_id=juma.pk, why="knows her", by_id=asha.pk)
    assert claim_next(by_id=asha.pk) is None
    with pytest.raises(CaseTaken, match="Juma has this case"):
        resolve(case_id=case.pk, why="x", by_id=asha.pk)
    assert claim_next(by_id=juma.pk) == case
    case.refresh_from_db()
    assert (case.owner, case.claimed_until) == (juma, None)
    assign_case(case_id=case.pk, to_id=asha.pk, why="on leave", by_id=asha.pk)
    resolve(case_id=case.pk, why="done", by_id=asha.pk)


def test_next_passes_over_what_was_assigned_and_just_seen(asha: Any) -> None:
    own = [a_case(number, amount=900 - number) for number in (1, 2)]
    free = a_case(3, amount=5)
    for case in own:
        assign_case(case_id=case.pk, to_id=asha.pk, why="x", by_id=asha.pk)
    assert claim_next(by_id=asha.pk) == own[0]
    assert claim_next(by_id=asha.pk, after_id=own[0].pk) == own[1]
    assert claim_next(by_id=asha.pk, after_id=own[1].pk) == free
    assert claim_next(by_id=asha.pk, after_id=free.pk) is None
    assert claim_next(by_id=asha.pk) == own[0]


def test_only_who_may_work_on_cases_is_given_any(asha: Any, juma: Any) -> None:
    juma.user_permissions.clear()
    with pytest.raises(NotAWorker):
        assign_case(case_id=a_case().pk, to_id=juma.pk, why="x", by_id=asha.pk)


# Closing


def test_a_small_case_is_resolved_at_once_and_may_be_opened_again(asha: Any) -> None:
    case = a_case(amount=50_000)
    resolve(case_id=case.pk, why="refunded", by_id=asha.pk)
    case.refresh_from_db()
    assert (case.state, case.resolution, case.owner) == ("resolved", "refunded", asha)
    assert case.resolved_at is not None
    with pytest.raises(CaseClosed):
        resolve(case_id=case.pk, why="again", by_id=asha.pk)
    reopen(case_id=case.pk, why="it was not", by_id=asha.pk)
    case.refresh_from_db()
    assert (case.state, case.resolution, case.owner) == ("open", "", None)
    with pytest.raises(CaseClosed):
        reopen(case_id=case.pk, why="again", by_id=asha.pk)
    assert verbs(case) == ["resolved", "reopened"]


def test_what_is_open_in_another_case_is_not_opened_again(asha: Any) -> None:
    case = a_case()
    resolve(case_id=case.pk, why="done", by_id=asha.pk)
    a_case()
    with pytest.raises(CaseClosed, match="open in another case"):
        reopen(case_id=case.pk, why="x", by_id=asha.pk)
    assert verbs(case) == ["resolved"]


def test_above_the_limit_a_second_person_confirms(asha: Any, juma: Any) -> None:
    case = a_case(amount=50_001)
    resolve(case_id=case.pk, why="refunded", by_id=asha.pk)
    case.refresh_from_db()
    assert (case.state, case.proposal, case.proposed_by) == ("open", "refunded", asha)
    assert claim_next(by_id=juma.pk) is None
    with pytest.raises(NeedsSecondPerson, match="Asha has proposed"):
        resolve(case_id=case.pk, why="x", by_id=juma.pk)
    with pytest.raises(OwnProposal):
        confirm_resolution(case_id=case.pk, why="sure", by_id=asha.pk)
    confirm_resolution(case_id=case.pk, why="seen", by_id=juma.pk)
    case.refresh_from_db()
    assert (case.state, case.resolution, case.owner) == ("resolved", "refunded", asha)
    last = case.events.last()
    assert last is not None
    assert (last.by, last.why) == (juma, "Confirmed: refunded seen")
    with pytest.raises(CaseClosed):
        confirm_resolution(case_id=case.pk, why="again", by_id=juma.pk)


def test_a_refused_resolution_is_in_the_queue_again(asha: Any, juma: Any) -> None:
    case = a_case(amount=50_001)
    with pytest.raises(NothingProposed):
        refuse_resolution(case_id=case.pk, why="x", by_id=juma.pk)
    resolve(case_id=case.pk, why="refunded", by_id=asha.pk)
    refuse_resolution(case_id=case.pk, why="no receipt", by_id=juma.pk)
    assert claim_next(by_id=juma.pk) == case


def test_staff_move_the_limit() -> None:
    rules = CaseRules.current()
    rules.four_eyes_above = 500
    rules.save()
    asha, case = a_worker(), a_case(amount=501)
    assert resolve(case_id=case.pk, why="x", by_id=asha.pk).state == Case.State.OPEN


def test_many_cases_that_answered_themselves_are_closed_and_each_says_so() -> None:
    kind = CaseKind.ORDER_NO_MONEY
    made = [open_case(kind=kind, subject=f"payment:{number}") for number in range(3)]
    resolve_case(case=made[0], resolution="by hand")
    resolve_cases(Case.objects.filter(kind=kind), resolution="it came")
    told = CaseEvent.objects.filter(verb="resolved").order_by("case").values_list("case", "why")
    assert list(told) == [
        (made[0].pk, "by hand"),
        (made[1].pk, "it came"),
        (made[2].pk, "it came"),
    ]
    assert not Case.objects.filter(state=Case.State.OPEN).exists()


def test_a_deed_elsewhere_closes_a_case_whatever_its_claim_and_amount(asha: Any) -> None:
    case = a_case(amount=90_000)
    claim_case(case_id=case.pk, by_id=asha.pk)
    assert resolve_case(case=case, resolution="placed")
    other = open_case(kind=CaseKind.TRANSFER_FAILED, subject="transfer:1")
    resolve_by_itself(kind=other.kind, subject=other.subject, resolution="it was sent")
    assert verbs(case) == ["claimed", "resolved"]
    event = CaseEvent.objects.get(case=other)
    assert (event.verb, event.by, event.why) == ("resolved", None, "it was sent")
