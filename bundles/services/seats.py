"""A bundle's places: held while the PIN is waited for, used while a subscription lasts.

Each is a customer's, or a gift's until it is claimed. Every function runs inside the caller's
transaction. Whoever takes a place holds the bundle's row locked: that makes counting and taking one
step. The database lets no number be taken twice.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleSoldOut
from bundles.models import Bundle, Purchase, Seat


def hold_seat(*, bundle: Bundle, purchase: Purchase, until: datetime) -> None:
    """Hold a place for a purchase; a customer who has one in use keeps it. Raises BundleSoldOut."""
    own = _seat_for(purchase)
    if not own.filter(held_until__isnull=False).update(held_until=until) and not own.exists():
        _take_seat(bundle, _new_seat(purchase), held_until=until)


def use_held_seat(*, purchase: Purchase) -> bool:
    """Make the place that is held for a purchase one in use; False when none is.

    It is taken already: nothing is counted, so the bundle's row need not be locked.
    """
    return _seat_for(purchase).filter(held_until__isnull=False).update(held_until=None) == 1


def use_seat_for(*, bundle: Bundle, purchase: Purchase) -> None:
    """Give a purchase a place for as long as what it buys needs one. Raises BundleSoldOut."""
    if not _seat_for(purchase).update(held_until=None):
        _take_seat(bundle, _new_seat(purchase), held_until=None)


def use_seat(*, bundle: Bundle, customer: User) -> None:
    """Give a customer a place for as long as the subscription lasts. Raises BundleSoldOut."""
    if not Seat.objects.filter(bundle=bundle, customer=customer).update(held_until=None):
        _take_seat(bundle, Seat(customer=customer), held_until=None)


def move_seat(*, purchase: Purchase, customer: User) -> None:
    """A gift's place becomes its receiver's; it is freed where the receiver has one already."""
    if Seat.objects.filter(bundle=purchase.bundle_id, customer=customer).update(held_until=None):
        free_gift_seat(purchase=purchase)
    else:
        Seat.objects.filter(purchase=purchase).update(purchase=None, customer=customer)


def release_hold(*, purchase: Purchase) -> None:
    """Free a place that was only held; a place in use stays."""
    _seat_for(purchase).filter(held_until__isnull=False).delete()


def free_seat(*, bundle_id: int, customer_id: int) -> None:
    """Free a place whose subscription has ended."""
    Seat.objects.filter(
        bundle_id=bundle_id, customer_id=customer_id, held_until__isnull=True
    ).delete()


def free_gift_seat(*, purchase: Purchase) -> None:
    """Free the place of a gift that nobody claims any more."""
    Seat.objects.filter(purchase=purchase).delete()


def _seat_for(purchase: Purchase) -> QuerySet[Seat]:
    if purchase.gift_phone:
        return Seat.objects.filter(purchase=purchase)
    return Seat.objects.filter(bundle=purchase.bundle_id, customer=purchase.customer_id)


def _new_seat(purchase: Purchase) -> Seat:
    if purchase.gift_phone:
        return Seat(purchase=purchase)
    return Seat(customer_id=purchase.customer_id)


def _take_seat(bundle: Bundle, seat: Seat, *, held_until: datetime | None) -> None:
    Seat.objects.filter(bundle=bundle, held_until__lt=timezone.now()).delete()
    taken = set(Seat.objects.filter(bundle=bundle).values_list("number", flat=True))
    if len(taken) >= bundle.max_clients:
        raise BundleSoldOut("All places of this bundle are taken. Choose another one.")
    seat.bundle, seat.held_until = bundle, held_until
    seat.number = next(n for n in range(1, len(taken) + 2) if n not in taken)
    seat.save(force_insert=True)
