"""The project: settings, URLs, the Celery app and its schedule. Wiring only."""

from konektika.celery import app as celery_app

__all__ = ["celery_app"]
