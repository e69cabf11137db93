"""The Celery application; its options are the `CELERY_` settings, its tasks the apps' `tasks.py`."""

from __future__ import annotations

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, task_prerun, worker_process_init
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings")

app = Celery("konektika")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def refuse_to_start_misconfigured(**_: Any) -> None:
    """A worker with a wrong variable stops with the sentences, before it takes a task."""
    from konektika.checks import exit_if_misconfigured

    exit_if_misconfigured()


@worker_process_init.connect
def spare_what_is_loaded(**_: Any) -> None:
    """Keep the code and its tables out of every garbage collection of a worker's process."""
    gc.collect()
    gc.freeze()


@task_prerun.connect
def keep_good_connections(**_: Any) -> None:
    """A task uses its process's database connection, as a request does, unless it is old or broken."""
    close_old_connections()
