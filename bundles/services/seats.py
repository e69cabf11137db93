"""A bundle's places: held while the PIN is waited for, used while a subscription lasts.

Every function runs inside the caller's transaction, which holds the bundle's row locked: that makes
counting and taking one step. The database lets no number be taken twice.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleSoldOut
from bundles.models import Bundle, Seat


def hold_seat(*, bundle: Bundle, customer: User, until: datetime) -> None:
    """Hold a place for a customer; one who has a place keeps it. Raises BundleSoldOut."""
    seat = _own_or_new(bundle, customer)
    is_in_use = not seat._state.adding and seat.held_until is None
    if not is_in_use:
        seat.held_until = until
        seat.save()


def use_seat(*, bundle: Bundle, customer: User) -> None:
    """Give a customer a place for as long as the subscription lasts. Raises BundleSoldOut."""
    own = Seat.objects.filter(bundle=bundle, customer=customer)
    if not own.update(held_until=None) and not own.exists():
        seat = _own_or_new(bundle, customer)
        seat.save()


def release_hold(*, bundle_id: int, customer_id: int) -> None:
    """Free a place that was only held; a place in use stays."""
    Seat.objects.filter(
        bundle_id=bundle_id, customer_id=customer_id, held_until__isnull=False
    ).delete()


def free_seat(*, bundle_id: int, customer_id: int) -> None:
    """Free a place whose subscription has ended."""
    Seat.objects.filter(
        bundle_id=bundle_id, customer_id=customer_id, held_until__isnull=True
    ).delete()


def _own_or_new(bundle: Bundle, customer: User) -> Seat:
    if own := Seat.objects.filter(bundle=bundle, customer=customer).first():
        return own
    Seat.objects.filter(bundle=bundle, held_until__lt=timezone.now()).delete()
    taken = set(Seat.objects.filter(bundle=bundle).values_list("number", flat=True))
    if len(taken) >= bundle.max_clients:
        raise BundleSoldOut("All places of this bundle are taken. Choose another one.")
    number = next(n for n in range(1, len(taken) + 2) if n not in taken)
    return Seat(bundle=bundle, customer=customer, number=number)
