"""Puts `konektika.schedule` in force; what staff added themselves is left alone."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from konektika.schedule import SCHEDULE, Job

OWN = "Declared in konektika/schedule.py. "


class Command(BaseCommand):
    help = "Make the beat's periodic tasks what konektika/schedule.py declares."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            for job in SCHEDULE:
                _apply(job)
            gone = PeriodicTask.objects.filter(description__startswith=OWN).exclude(
                name__in=[job.name for job in SCHEDULE]
            )
            removed, _ = gone.delete()
        self.stdout.write(f"{len(SCHEDULE)} periodic tasks in force, {removed} removed.")


def _apply(job: Job) -> None:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=int(job.every.total_seconds()), period=IntervalSchedule.SECONDS
    )
    # A message that no worker took by the next run is worthless: the next one does its work.
    PeriodicTask.objects.update_or_create(
        name=job.name,
        defaults={
            "task": job.task,
            "interval": interval,
            "crontab": None,
            "solar": None,
            "clocked": None,
            "description": OWN + job.why,
            "expire_seconds": max(10, int(job.every.total_seconds())),
        },
    )
