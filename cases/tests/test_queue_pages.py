"""The queue in the admin: order, filters, totals, a case's page, many at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import subjects
from cases.models import Bulk, Case, CaseKind
from cases.services.bulk import act_on_many
from cases.services.claim import claim_case
from cases.services.close import resolve
from cases.services.put_off import snooze_case
from cases.subjects import Subject
from cases.tests.workers import QUEUE, a_case, a_worker, answered, key_of, shown, signed_in

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def asha() -> Any:
    return a_worker("Asha", "assign_case")


@pytest.fixture
def client(asha: Any) -> Client:
    return signed_in(asha)


def path(case: Case, verb: str = "change") -> str:
    return f"{QUEUE}{case.pk}/{verb}/"


def read(client: Client, page: str) -> str:
    answer = client.get(page)
    assert answer.status_code == 200
    return answer.content.decode()


def choose(client: Client, action: str, *cases: Case) -> str:
    """Tick the cases, choose the verb; the preview."""
    ids = [case.pk for case in cases]
    return client.post(
        QUEUE, {"action": action, "_selected_action": ids}, follow=True
    ).content.decode()


def send(client: Client, action: str, preview: str, *cases: Case, **answers: str) -> str:
    ids = [case.pk for case in cases]
    body = {"action": action, "_selected_action": ids, "why": "bank", "key": key_of(preview)}
    return client.post(QUEUE, {**body, **answers}, follow=True).content.decode()


# The list


def test_the_queue_shows_what_is_to_do_the_highest_rank_first(client: Client, asha: Any) -> None:
    low, high = a_case(1, amount=1), a_case(2, amount=9)
    snoozed, proposed, resolved = a_case(3), a_case(4, amount=60_000), a_case(5)
    snooze_case(case_id=snoozed.pk, until=timezone.now() + DAY, why="x", by_id=asha.pk)
    for case in (proposed, resolved):
        resolve(case_id=case.pk, why="x", by_id=asha.pk)
    claim_case(case_id=high.pk, by_id=asha.pk)
    assert shown(client) == [high, low]
    assert shown(client, queue="mine") == [high]
    assert shown(client, queue="unclaimed") == [low]
    assert shown(client, queue="snoozed") == [snoozed]
    assert shown(client, queue="proposed") == [proposed]
    assert shown(client, queue="open") == [proposed, snoozed, high, low]
    assert shown(client, queue="resolved") == [resolved]


def test_the_queue_is_filtered_by_kind_age_and_who_waits(client: Client) -> None:
    old = a_case(1, age=5 * DAY)
    hurt = a_case(2, kind=CaseKind.PAID_NOT_ACTIVATED)
    assert shown(client, age="7d") == [old]
    assert shown(client, age="15m") == [hurt]
    assert shown(client, kind__exact="underpaid") == [old]
    assert shown(client, customer_waits__exact="1") == [hurt]


def test_the_totals_are_of_all_pages(client: Client) -> None:
    for number in range(60):
        a_case(number, amount=1000)
    a_case(60, kind=CaseKind.PAID_TWICE, amount=7000)
    answer: Any = client.get(QUEUE)
    assert len(answer.context["cl"].result_list) == 50
    assert answer.context["totals"] == {
        "kinds": [
            {"kind": "underpaid", "cases": 60, "cash": 60_000, "name": "Paid less than the price"},
            {"kind": "paid_twice", "cases": 1, "cash": 7000, "name": "Paid twice"},
        ],
        "cases": 61,
        "cash": 67_000,
    }
    assert len(shown(client, p="2")) == 11


def test_an_empty_queue_says_so(client: Client) -> None:
    assert "Nothing is to do here" in read(client, QUEUE)


@pytest.mark.parametrize("which", ["list", "case", "preview", "bulk"])
def test_the_number_of_queries_does_not_grow(client: Client, asha: Any, which: str) -> None:
    people = [a_worker(f"Worker{number}") for number in range(5)]

    def open_page() -> str:
        if which == "list":
            return read(client, QUEUE)
        if which == "case":
            return read(client, path(Case.objects.all()[0]))
        if which == "preview":
            return choose(client, "snooze_many", *Case.objects.all())
        return read(client, f"/admin/cases/bulk/{Bulk.objects.all()[0].pk}/change/")

    def queries(numbers: range) -> int:
        """Of the page, with cases that others have and as many that a bulk has changed."""
        mine = [a_case(100 + number).pk for number in numbers]
        for number in numbers:
            claim_case(case_id=a_case(number).pk, by_id=people[number % 5].pk)
        assign_many(asha, mine)
        open_page()
        with CaptureQueriesContext(connection) as captured:
            open_page()
        return len(captured)

    assert queries(range(5)) == queries(range(5, 50))


def assign_many(person: Any, ids: list[int]) -> None:
    act_on_many(
        key=str(ids[0]),
        verb=Bulk.Verb.ASSIGN,
        case_ids=ids,
        why="x",
        by_id=person.pk,
        to_id=person.pk,
    )


# One case


def test_next_opens_the_highest_and_needs_the_permission(client: Client, asha: Any) -> None:
    a_case(1, amount=1)
    high = a_case(2, amount=9)
    assert client.get(f"{QUEUE}next/").status_code == 405
    answer: Any = client.post(f"{QUEUE}next/")
    assert answer.url == path(high)
    page = read(client, path(high))
    assert "You have this case until" in page
    assert f'name="after" value="{high.pk}"' in page
    asha.user_permissions.set(
        [each for each in asha.user_permissions.all() if "view" in each.codename]
    )
    assert client.post(f"{QUEUE}next/").status_code == 403
    assert client.post(path(high, "release")).status_code == 403
    assert client.get(path(high, "resolve")).status_code == 403
    assert "data-next" not in read(client, QUEUE)


def test_next_says_when_nothing_is_left(client: Client) -> None:
    assert "Nothing is left to do." in client.post(f"{QUEUE}next/", follow=True).content.decode()


def test_claiming_and_releasing_are_on_the_page_and_on_record(client: Client) -> None:
    case = a_case()
    assert "Nobody works on this case." in read(client, path(case))
    client.post(path(case, "claim"))
    assert path(case, "release") in read(client, path(case))
    for _ in range(2):
        client.post(path(case, "note"), {"text": "called <her>"})
    long = client.post(path(case, "note"), {"text": "x" * 1001}, follow=True).content.decode()
    assert "1,000 characters at most" in long
    assert case.events.filter(verb="noted").count() == 1
    page = client.post(path(case, "release"), follow=True).content.decode()
    for told in ("Claimed by Asha", "Released by Asha", "Note by Asha", "called &lt;her&gt;"):
        assert told in page
    assert LogEntry.objects.count() == 3


def test_looking_at_a_claimed_case_keeps_it(client: Client, asha: Any) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=asha.pk)
    soon = timezone.now() + timedelta(minutes=1)
    Case.objects.update(claimed_until=soon)
    read(client, path(case))
    case.refresh_from_db()
    assert case.claimed_until is not None
    assert case.claimed_until > soon


def test_a_case_that_another_has_says_who_and_refuses(client: Client) -> None:
    case = a_case()
    claim_case(case_id=case.pk, by_id=a_worker("Juma").pk)
    assert "Juma works on this case until" in read(client, path(case))
    assert "Juma works on this case until" in answered(client, path(case, "resolve"))
    page = client.post(path(case, "claim"), follow=True).content.decode()
    assert "Juma works on this case until" in page
    case.refresh_from_db()
    assert case.state == "open"


def test_verbs_ask_for_a_reason_and_are_logged(client: Client, asha: Any) -> None:
    case = a_case()
    tomorrow = f"{timezone.localdate() + 2 * DAY:%Y-%m-%d}"
    assert "Snoozed until" in answered(client, path(case, "snooze"), until=tomorrow)
    assert "Assigned to Asha" in answered(client, path(case, "assign"), to=str(asha.pk))
    assert "Resolved." in answered(client, path(case, "resolve"))
    assert client.get(path(case, "resolve")).status_code == 403
    assert "Open again." in answered(client, path(case, "reopen"))
    answered(client, path(case, "resolve"), why="")
    case.refresh_from_db()
    assert case.state == "open"
    reasons = LogEntry.objects.filter(change_message__contains="Reason: the reason")
    assert reasons.count() == 4


def test_a_snoozed_case_wakes_when_that_day_begins_in_dar_es_salaam(client: Client) -> None:
    case = a_case()
    assert "30 days at most" in answered(client, path(case, "snooze"), until="9999-12-31")
    day = timezone.now().date() + 5 * DAY
    answered(client, path(case, "snooze"), until=f"{day:%Y-%m-%d}")
    case.refresh_from_db()
    assert case.snoozed_until is not None
    assert case.snoozed_until.isoformat() == f"{day - DAY:%Y-%m-%d}T21:00:00+00:00"


def test_four_eyes_on_the_page(client: Client) -> None:
    case = a_case(amount=60_000)
    assert "needs a second person" in read(client, path(case))
    assert "Proposed; a second person confirms it." in answered(client, path(case, "resolve"))
    assert client.get(path(case, "confirm")).status_code == 403
    second = signed_in(a_worker("Juma", "confirm_case"))
    assert "Asha proposes to resolve it" in read(second, path(case))
    assert "Confirmed" in answered(second, path(case, "confirm"))
    case.refresh_from_db()
    assert case.state == "resolved"


def test_who_proposed_may_take_it_back_and_with_the_permission_not_confirm(client: Client) -> None:
    case = a_case(amount=60_000)
    alone = signed_in(a_worker("Juma", "confirm_case"))
    answered(alone, path(case, "resolve"))
    assert alone.get(path(case, "confirm")).status_code == 403
    refused = alone.post(path(case, "confirm"), {"why": "x", "key": "k"}, follow=True)
    assert "Somebody else has to confirm" in refused.content.decode()
    assert "in the queue again" in answered(alone, path(case, "refuse"))
    case.refresh_from_db()
    assert (case.state, case.proposal) == ("open", "")


def test_the_page_links_its_subject_and_its_neighbours(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Callable[[str], Subject | None]] = {
        "payment": lambda key: Subject(f"The payment {key}", "/there/") if key == "2" else None
    }
    monkeypatch.setattr(subjects, "_finders", found)
    above, case, below = (a_case(number, amount=900 - number) for number in (1, 2, 3))
    page = read(client, path(case))
    assert '<a href="/there/">The payment 2</a>' in page
    assert f'<a rel="prev" href="{path(above)}">' in page
    assert f'<a rel="next" href="{path(below)}">' in page
    assert "<dd>payment:1</dd>" in read(client, path(above))


# Many


def test_what_the_preview_leaves_out_stays_as_it_is(client: Client) -> None:
    free, taken = a_case(1), a_case(2)
    claim_case(case_id=taken.pk, by_id=a_worker("Juma").pk)
    preview = choose(client, "resolve_many", free, taken)
    sent = re.findall(r'name="_selected_action" value="(\d+)"', preview)
    Case.objects.filter(pk=taken.pk).update(claimed_until=timezone.now())
    body = {"action": "resolve_many", "_selected_action": sent, "why": "bank"}
    client.post(QUEUE, {**body, "key": key_of(preview)})
    assert [Case.objects.get(pk=case.pk).state for case in (free, taken)] == ["resolved", "open"]


def test_many_are_previewed_resolved_and_undone(client: Client) -> None:
    first, second, taken = a_case(1, amount=100), a_case(2, amount=200), a_case(3)
    claim_case(case_id=taken.pk, by_id=a_worker("Juma").pk)
    preview = choose(client, "resolve_many", first, second, taken)
    assert "2 cases with 300 TZS at stake will change." in preview
    assert "Juma works on this case until" in preview
    assert not Bulk.objects.exists()
    page = send(client, "resolve_many", preview, first, second, taken)
    bulk = Bulk.objects.get()
    assert f"/admin/cases/bulk/{bulk.pk}/undo/" in page
    assert f'href="{path(first)}"' in page
    assert f'href="{path(taken)}"' not in page
    assert send(client, "resolve_many", preview, first, second, taken)
    assert Bulk.objects.get().cases == 2
    assert "2 cases are as they were" in answered(client, f"/admin/cases/bulk/{bulk.pk}/undo/")
    assert not Case.objects.filter(state="resolved").exists()
    assert client.get(f"/admin/cases/bulk/{bulk.pk}/undo/").status_code == 403


def test_many_are_snoozed_and_assigned(client: Client, asha: Any) -> None:
    case = a_case()
    next_week = f"{timezone.localdate() + 7 * DAY:%Y-%m-%d}"
    preview = choose(client, "snooze_many", case)
    assert "Snoozed: 1 cases" in send(client, "snooze_many", preview, case, until=next_week)
    assert shown(client) == []
    preview = choose(client, "assign_many", case)
    send(client, "assign_many", preview, case, to=str(asha.pk))
    assert shown(client, queue="mine") == [case]


def test_many_need_the_permission(client: Client) -> None:
    case = a_case()
    other = signed_in(a_worker("Juma"))
    assert "assign_many" not in read(other, QUEUE)
    choose(other, "assign_many", case)
    other_page = choose(other, "resolve_many", case)
    assert "will change" in other_page


@pytest.mark.parametrize("verb", ["change", "resolve"])
def test_phones_in_what_a_case_is_about_are_masked(client: Client, verb: str) -> None:
    case = a_case()
    case.detail = "QK1 of +255754000001 ASHA, reference 0754000002"
    case.save()
    page = read(client, path(case, verb))
    assert "+255754***001 ASHA, reference 0754***002" in page
    assert "75400000" not in page


def test_what_is_no_cases_key_leads_back_to_the_queue(client: Client) -> None:
    assert client.get(f"{QUEUE}abc/change/").status_code == 302
