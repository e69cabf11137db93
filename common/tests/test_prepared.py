"""A prepared query gives what the query itself gives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F
from django.forms import model_to_dict
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, PeriodicTask

from common.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

TASKS: Prepared[Any] = Prepared(
    lambda name: (
        PeriodicTask.objects.filter(name=name)
        .select_related("clocked", "interval")
        .annotate(at=F("clocked__clocked_time"))
    )
)
LATEST: Prepared[Permission] = Prepared(
    lambda codename, most: Permission.objects.filter(
        codename__startswith=codename, pk__lte=most
    ).order_by("-pk")
)


def test_a_row_has_its_values_its_relations_and_what_was_annotated() -> None:
    clocked = ClockedSchedule.objects.create(clocked_time=timezone.now())
    task = PeriodicTask.objects.create(name="a", task="b", clocked=clocked, one_off=True)
    found = TASKS.first("a")
    task.refresh_from_db()
    assert found == task
    assert model_to_dict(found) == model_to_dict(task)
    assert found.date_changed == task.date_changed
    assert (found.clocked, found.interval) == (clocked, None)
    assert found.at == found.clocked.clocked_time
    assert TASKS.first("another") is None


def test_each_call_has_its_own_values_in_their_order() -> None:
    *_, earlier, last = Permission.objects.filter(codename__startswith="view_").order_by("pk")
    assert LATEST.first("view_", last.pk) == last
    assert LATEST.first("view_", earlier.pk) == earlier


def test_each_thread_has_its_own() -> None:
    def first() -> Any:
        try:
            return TASKS.first("nothing")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert [threads.submit(first).result() for _ in range(2)] == [None, None]
