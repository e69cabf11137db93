"""Celery's doors to bundles."""

from __future__ import annotations

from celery import shared_task


@shared_task
def end_overdue_subscriptions() -> int:
    """End subscriptions whose time is over."""
    from bundles.services.end import end_overdue_subscriptions as end

    return end()


@shared_task
def renew_from_credit() -> int:
    """Buy again what customers want bought again from their credit."""
    from bundles.services.renew import renew_due

    return renew_due()


@shared_task
def return_unclaimed_gifts() -> int:
    """Give back what nobody has claimed in time."""
    from bundles.services.return_gift import return_unclaimed

    return return_unclaimed()


@shared_task
def forget_old_receivers() -> int:
    """Forget the phones that old gifts were for."""
    from bundles.services.forget_receivers import forget_old_receivers as forget

    return forget()


@shared_task
def release_earnings() -> int:
    """Owners earn what is delivered."""
    from bundles.services.earn import release_earnings as release

    return release()


@shared_task
def record_fiscally() -> int:
    """Write the fiscal records of new sales, and send what is due; returns how many were sent."""
    from bundles.services.record_fiscally import record_sales, send_documents

    record_sales()
    return send_documents()


@shared_task
def pay_owners_weekly() -> int:
    """On Mondays, owners who want it so are paid what they have earned."""
    from bundles.services.pay_owners import pay_weekly

    return pay_weekly()
