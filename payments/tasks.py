"""Celery's doors: fetch nothing, decide nothing, call the service. All are safe to repeat."""

from __future__ import annotations

import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task
def push(attempt_id: int) -> None:
    """Ask the provider to charge the phone."""
    from payments.services.push import push_attempt

    push_attempt(attempt_id=attempt_id)


@shared_task
def check(attempt_id: int) -> None:
    """Ask the provider what became of an attempt; expire it when it is overdue."""
    from payments.services.query import check_attempt

    check_attempt(attempt_id=attempt_id)


@shared_task
def apply_deliveries(delivery_ids: list[int]) -> None:
    """Process stored webhook deliveries; one that fails keeps none of the others back."""
    from payments.services.apply_delivery import apply_delivery as apply

    for delivery_id in delivery_ids:
        try:
            apply(delivery_id=delivery_id)
        except Exception:
            logger.exception("delivery %s waits for its sweep", delivery_id)


@shared_task
def follow_up(payment_id: int) -> None:
    """Fulfil a completed payment, or tell that one failed."""
    from payments.services.follow_up import follow_up as follow

    follow(payment_id=payment_id)


@shared_task
def send_transfer(transfer_id: int) -> None:
    """Ask the provider to send money, or to take a collection back."""
    from payments.services.send_transfer import send_transfer as send

    send(transfer_id=transfer_id)


@shared_task
def check_transfer(transfer_id: int) -> None:
    """Ask the provider what became of money that was sent."""
    from payments.services.check_transfer import check_transfer as ask

    ask(transfer_id=transfer_id)


@shared_task
def look_for_receipt(claim_id: int) -> None:
    """Look for a receipt that a customer names, and ask the provider about it."""
    from payments.services.claims.ask import look_and_ask

    look_and_ask(claim_id=claim_id)


@shared_task
def sweep_claims() -> int:
    from payments.services.sweep import sweep_claims as sweep

    return sweep()


@shared_task
def sweep_transfers() -> int:
    from payments.services.sweep import sweep_transfers as sweep

    return sweep()


@shared_task
def sweep_attempts() -> int:
    from payments.services.sweep import sweep_attempts as sweep

    return sweep()


@shared_task
def sweep_deliveries() -> int:
    from payments.services.sweep import sweep_deliveries as sweep

    return sweep()


@shared_task
def sweep_follow_ups() -> int:
    from payments.services.sweep import sweep_follow_ups as sweep

    return sweep()


@shared_task
def read_statement(file_id: int) -> None:
    """Read a provider's statement file."""
    from payments.services.import_statement import read_statement as read

    read(file_id=file_id)


@shared_task
def sweep_statements() -> int:
    from payments.services.import_statement import sweep_statements as sweep

    return sweep()


@shared_task
def forget_old_bodies() -> int:
    """Empty the raw bodies of webhook deliveries that are old enough."""
    from payments.services.forget_bodies import forget_old_bodies as forget

    return forget()


@shared_task
def forget_old_keys() -> int:
    """Delete idempotency keys that are too old to be repeated."""
    from payments.services.idempotency import forget_old_keys as forget

    return forget()


@shared_task
def forget_old_samples() -> int:
    """Delete the samples of statements that were left behind in the wizard."""
    from payments.services.forget_samples import forget_old_samples as forget

    return forget()


@shared_task
def probe_providers() -> int:
    """Try the providers that answered nobody and were left alone since."""
    from payments.services.probe import probe_providers as probe

    return probe()


@shared_task
def watch_closed_days() -> int:
    """Find closed days whose statement has changed."""
    from payments.services.watch_closed_days import watch_closed_days as watch

    return watch()


@shared_task
def match_statement_lines() -> int:
    """Match statement lines with what we know, and give staff the rest; returns how many matched."""
    from payments.services.match.run import match_statements

    return match_statements().matched
