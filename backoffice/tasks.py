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


@shared_task
def roll_up() -> int:
    """Keep the dashboard's sums of payments equal to the payments."""
    from backoffice.rollups.run import roll_up as run

    return run()


@shared_task
def roll_up_days(days: int = 8) -> None:
    """Measure the last days again: traffic and statements come late."""
    from backoffice.rollups.run import roll_up_days as run

    run(days=days)


@shared_task
def roll_up_older_days() -> None:
    """Measure two months again: lines are matched, and cases resolved, long after."""
    from backoffice.rollups.run import roll_up_days as run

    run(days=62)


@shared_task
def check_service_leg() -> int:
    """Look for what is paid and not active, and for what is active or used and not paid."""
    from backoffice.service_leg import check_service_leg as check

    return check()
