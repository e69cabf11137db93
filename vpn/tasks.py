"""Celery's doors to the VPN. All are safe to repeat."""

from __future__ import annotations

from celery import shared_task


@shared_task
def send_notices() -> int:
    """Tell customers of what they have used, of the end, and that they can connect."""
    from vpn.services.notices import send_notices as send

    return send()


@shared_task
def watch_gateways() -> int:
    """Staff look at gateways that are silent."""
    from vpn.services.health import watch_gateways as watch

    return watch()


@shared_task
def forget_old_connections() -> int:
    """Delete connection times that nobody may keep any longer."""
    from vpn.services.forget import forget_old_connections as forget

    return forget()


@shared_task
def revoke_long_kept() -> int:
    """Devices whose customers did not renew in time lose their addresses."""
    from vpn.services.keep import revoke_long_kept as revoke

    return revoke()


@shared_task
def republish_changed() -> int:
    """Gateways serve what the rows say."""
    from vpn.services.republish import republish_changed as republish

    return republish()
