"""What is declared in one place exists in another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from bundles import handlers as bundle_handlers
from bundles import hooks as bundle_hooks
from konektika.celery import app
from konektika.schedule import SCHEDULE
from payments import hooks as payment_hooks
from payments.providers import registry

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def tasks() -> set[str]:
    app.loader.import_default_modules()
    return set(app.tasks)


@pytest.mark.parametrize("job", SCHEDULE, ids=lambda job: job.name)
def test_every_periodic_task_is_a_task(tasks: set[str], job: object) -> None:
    assert getattr(job, "task", "") in tasks


def test_every_routed_task_is_a_task_of_a_queue_that_somebody_serves(tasks: set[str]) -> None:
    served = set(re.findall(r"--queues (\S+)", (ROOT / "Procfile").read_text(encoding="utf-8")))
    queues = {queue for queues in served for queue in queues.split(",")}
    assert set(settings.CELERY_TASK_ROUTES) <= tasks
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} <= queues
    assert settings.CELERY_TASK_DEFAULT_QUEUE in queues


def test_what_takes_minutes_keeps_no_customer_waiting() -> None:
    """The worker that serves its queue serves no other."""
    served = re.findall(r"--queues (\S+)", (ROOT / "Procfile").read_text(encoding="utf-8"))
    queue = settings.CELERY_TASK_ROUTES["payments.tasks.read_statement"]["queue"]
    assert [queues for queues in served if queue in queues.split(",")] == [queue]


@pytest.mark.django_db
def test_the_schedule_is_put_in_force_and_twice_changes_nothing() -> None:
    for _ in range(2):
        call_command("apply_schedule", verbosity=0)
        in_force = PeriodicTask.objects.filter(task__in=[job.task for job in SCHEDULE])
        assert in_force.count() == len({job.name for job in SCHEDULE}) == len(SCHEDULE)


def test_what_payments_tells_is_heard() -> None:
    """A payment that completes without a listener would take money for nothing."""
    heard = {
        payment_hooks.completed: bundle_handlers.activate,
        payment_hooks.given_up: bundle_handlers.release,
        payment_hooks.withdrawn: bundle_handlers.withdraw,
        payment_hooks.closed: bundle_handlers.release,
    }
    for hook, handler in heard.items():
        assert handler in hook._handlers, hook.name
    assert bundle_handlers.correct_sent_back in payment_hooks.sent_back._handlers


def test_what_bundles_tells_is_heard_by_the_vpn() -> None:
    for hook in (
        bundle_hooks.subscription_begun,
        bundle_hooks.subscription_extended,
        bundle_hooks.subscription_shortened,
        bundle_hooks.subscription_ended,
        bundle_hooks.subscription_withdrawn,
    ):
        assert [handler.__module__ for handler in hook._handlers] == ["vpn.handlers"], hook.name


def test_every_provider_of_the_contract_has_a_dialect() -> None:
    assert {dialect.provider.value for dialect in registry.DIALECTS} == {
        "vodacom_mpesa",
        "tigo_pesa",
        "airtel_money",
    }


def test_no_index_has_the_name_of_a_constraint() -> None:
    """Django cannot read such a table's constraints from MariaDB."""
    for model in apps.get_models():
        indexes = {index.name for index in model._meta.indexes}
        assert not indexes & {constraint.name for constraint in model._meta.constraints}, model
