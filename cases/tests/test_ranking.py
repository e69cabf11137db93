"""Rank: money x age x customer waiting, by the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case, CaseKind
from cases.ranking import AGE_CLASSES, age_class, opened_in, ranked, tone
from cases.services import open_case
from cases.tests.workers import a_case

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def in_order() -> list[Case]:
    return list(ranked(Case.objects.all(), timezone.now()))


@pytest.mark.parametrize(
    ("minutes", "code", "weight"),
    [
        (0, "15m", 1),
        (14, "15m", 1),
        (15, "1h", 2),
        (59, "1h", 2),
        (60, "4h", 4),
        (240, "24h", 8),
        (24 * 60, "3d", 16),
        (3 * 24 * 60, "7d", 32),
        (7 * 24 * 60, "older", 64),
        (400 * 24 * 60, "older", 64),
    ],
)
def test_the_age_classes_weigh_more_with_age(minutes: int, code: str, weight: int) -> None:
    now = timezone.now()
    case = open_case(kind=CaseKind.UNDERPAID, subject="payment:1", amount=500)
    case.opened_at = now - minutes * MINUTE
    case.save()
    assert age_class(case, now).code == code
    assert ranked(Case.objects.all(), now).get().rank == (500 + 1000) * weight
    for each in AGE_CLASSES:
        found = Case.objects.filter(opened_in(each.code, now)).exists()
        assert found == (each.code == code)


def test_money_age_and_a_waiting_customer_each_raise_a_case() -> None:
    plain = a_case(1, amount=5000)
    dear = a_case(2, amount=9000)
    old = a_case(3, amount=5000, age=2 * 60 * MINUTE)
    waiting = a_case(4, amount=5000, customer_waits=True)
    without_money = a_case(5, amount=0)
    assert in_order() == [waiting, old, dear, plain, without_money]


def test_of_equals_the_first_comes_first() -> None:
    cases = [a_case(number) for number in range(3)]
    assert in_order() == cases


def test_the_largest_amounts_still_rank() -> None:
    case = a_case(amount=10**14, age=timedelta(days=30), customer_waits=True)
    assert in_order()[0].rank == (10**14 + 1000) * 640  # type: ignore[attr-defined]
    assert in_order() == [case]


def test_a_kind_that_hurts_says_that_the_customer_waits_and_is_red_from_15_minutes() -> None:
    now = timezone.now()
    hurt = a_case(1, kind=CaseKind.PAID_NOT_ACTIVATED, age=16 * MINUTE)
    other = a_case(2, age=16 * MINUTE)
    new = a_case(3, kind=CaseKind.PAID_NOT_ACTIVATED)
    assert hurt.customer_waits
    assert not other.customer_waits
    assert [tone(case, now) for case in (hurt, other, new)] == ["danger", "success", "success"]
