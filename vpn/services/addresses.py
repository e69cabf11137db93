"""Gives tunnel addresses out and takes them back, without a race."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from vpn.errors import AddressesExhausted
from vpn.models import Address, Gateway

QUARANTINE = timedelta(hours=24)  # a phone with the old file must not meet the next customer


def take_address(gateway: Gateway) -> Address:
    """An address of a locked gateway that nobody has, inside the caller's transaction.

    The caller saves the gateway. The lock makes it quick; the database also lets each number exist
    and be used once. Raises AddressesExhausted.
    """
    if gateway.never_used:
        number = gateway.next_number
        gateway.next_number += 1
        return Address.objects.create(gateway=gateway, number=number)
    rested = (
        Address.objects.filter(gateway=gateway, free_at__lte=timezone.now())
        .order_by("free_at")
        .first()
    )
    if rested is None:
        raise AddressesExhausted("All addresses are taken at the moment. We have been told.")
    rested.free_at = None
    rested.save(update_fields=["free_at"])
    return rested


def free_address(address_id: int) -> None:
    """Let an address rest before somebody else gets it."""
    Address.objects.filter(pk=address_id).update(free_at=timezone.now() + QUARANTINE)
