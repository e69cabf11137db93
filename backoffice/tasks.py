"""Celery's door to what is watched."""

from __future__ import annotations

from celery import shared_task


@shared_task
def beat() -> None:
    """Note that beat and a worker are alive."""
    from backoffice.heartbeat import beat as note

    note()


@shared_task
def check_money() -> int:
    """Prove the books, for the monitor and for staff."""
    from backoffice.money_check import check_money as check

    return check()
