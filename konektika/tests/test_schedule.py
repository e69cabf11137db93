"""The schedule is what the code declares, and what staff added stays."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from konektika.schedule import SCHEDULE

pytestmark = pytest.mark.django_db


def test_applying_twice_is_applying_once() -> None:
    call_command("apply_schedule")
    call_command("apply_schedule")
    assert PeriodicTask.objects.count() == len(SCHEDULE)


def test_a_job_that_is_no_longer_declared_goes_and_staffs_own_stays() -> None:
    call_command("apply_schedule")
    interval = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="Staff's own", task="x", interval=interval)
    PeriodicTask.objects.filter(name="Messages").update(name="An old name")
    call_command("apply_schedule")
    names = set(PeriodicTask.objects.values_list("name", flat=True))
    assert names == {job.name for job in SCHEDULE} | {"Staff's own"}
