"""A bundle's places: held while the PIN is waited for, used while a subscription lasts.

Every function runs inside the caller's transaction. Whoever takes a place holds the bundle's row
locked: that makes counting and taking one step. The database lets no number be taken twice.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleSoldOut
from bundles.models import Bundle, Seat


def hold_seat(*, bundle: Bundle, customer: User, until: datetime) -> None:
    """Hold a place for a customer; one who has a place in use keeps it. Raises BundleSoldOut."""
    own = Seat.objects.filter(bundle=bundle, customer=customer)
    if not own.filter(held_until__isnull=False).update(held_until=until) and not own.exists():
        _take_seat(bundle, customer, held_until=until)


def use_held_seat(*, bundle_id: int, customer_id: int) -> bool:
    """Make the place that is held for a customer one in use; False when none is.

    It is taken already: nothing is counted, so the bundle's row need not be locked.
    """
    held = Seat.objects.filter(
        bundle_id=bundle_id, customer_id=customer_id, held_until__isnull=False
    )
    return held.update(held_until=None) == 1


def use_seat(*, bundle: Bundle, customer: User) -> None:
    """Give a customer a place for as long as the subscription lasts. Raises BundleSoldOut."""
    if not Seat.objects.filter(bundle=bundle, customer=customer).update(held_until=None):
        _take_seat(bundle, customer, held_until=None)


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


def _take_seat(bundle: Bundle, customer: User, *, held_until: datetime | None) -> None:
    Seat.objects.filter(bundle=bundle, held_until__lt=timezone.now()).delete()
    taken = set(Seat.objects.filter(bundle=bundle).values_list("number", flat=True))
    if len(taken) >= bundle.max_clients:
        raise BundleSoldOut("All places of this bundle are taken. Choose another one.")
    number = next(n for n in range(1, len(taken) + 2) if n not in taken)
    Seat.objects.create(bundle=bundle, customer=customer, number=number, held_until=held_until)
