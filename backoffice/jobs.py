"""The schedule, for staff: what runs how often, when it last did, and a switch for each."""

from __future__ import annotations

from django.contrib import admin
from django_celery_beat import admin as library  # noqa: F401  # registers what is replaced here
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from common.admin import ModelAdmin, OneRow

# The library's pages let staff write any task with any arguments; what may run is declared in
# konektika/schedule.py.
for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


@admin.register(PeriodicTask)
class JobAdmin(OneRow, ModelAdmin):
    list_display = ["name", "enabled", "interval", "last_run_at", "description"]
    list_filter = ["enabled"]
    list_select_related = ["interval", "crontab"]
    list_per_page = 50
    ordering = ["name"]
    search_fields = ["name", "task"]
    fields = [
        "name",
        "description",
        "task",
        "enabled",
        "interval",
        "last_run_at",
        "total_run_count",
    ]
    readonly_fields = ["name", "description", "task", "interval", "last_run_at", "total_run_count"]
