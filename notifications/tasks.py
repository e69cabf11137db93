"""Celery's doors to the outbox."""

from __future__ import annotations

from celery import shared_task


@shared_task
def send_message(key: str) -> None:
    """Send one queued message."""
    from notifications.services import send_queued

    send_queued(key=key)


@shared_task
def ask_deliveries() -> int:
    """Ask what became of messages that nobody has reported."""
    from notifications.services.ask_deliveries import ask_deliveries as ask

    return ask()


@shared_task
def watch_credit() -> int:
    """Ask what is left of our credit for SMS."""
    from notifications.services.watch_credit import watch_credit as watch

    return watch()


@shared_task
def forget_old_messages() -> int:
    """Messages name people; after 90 days nobody needs them."""
    from notifications.services.forget_messages import forget_old_messages as forget

    return forget()


@shared_task
def sweep_outbox() -> int:
    """Find messages that were queued and not sent."""
    from notifications.services import sweep_outbox as sweep

    return sweep()
