"""Staff stop a job and let it go on; what it does is declared in the program."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django_celery_beat.models import PeriodicTask

pytestmark = pytest.mark.django_db


def test_a_job_is_switched_off_and_nothing_else_is_changed(staff: Client) -> None:
    call_command("apply_schedule", verbosity=0)
    job = PeriodicTask.objects.get(name="Heartbeat")
    page = f"/admin/django_celery_beat/periodictask/{job.pk}/change/"
    assert job.description in staff.get(page).content.decode()
    assert staff.post(page, {"task": "os.remove", "interval": ""}).status_code == 302
    changed = PeriodicTask.objects.get(pk=job.pk)
    assert (changed.enabled, changed.task, changed.interval) == (False, job.task, job.interval)
    assert staff.get("/admin/django_celery_beat/periodictask/add/").status_code == 403
