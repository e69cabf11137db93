"""Periodic work of accounts."""

from __future__ import annotations

from celery import shared_task


@shared_task
def forget_old_codes() -> int:
    """Codes name phones; after a week nobody asks about them."""
    from accounts.services.codes import forget_old_codes as forget

    return forget()
