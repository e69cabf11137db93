"""What of a purchase is not used yet, as a share of its price. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from bundles.models import Activation


@dataclass(frozen=True, slots=True)
class Unused:
    """What is left of one purchase: `days` with a fraction, and bytes."""

    days: float
    of_days: int
    data_bytes: int
    of_bytes: int


@dataclass(frozen=True, slots=True)
class ProRata:
    """Two ways to share a price out by what is not used, TZS rounded down."""

    by_days: int
    by_bytes: int

    @property
    def smaller(self) -> int:
        return min(self.by_days, self.by_bytes)

    @property
    def larger(self) -> int:
        return max(self.by_days, self.by_bytes)


def pro_rata(price: int, left: Unused) -> ProRata:
    """The parts of a price (TZS) that what is left stands for."""
    return ProRata(
        by_days=int(price * left.days / left.of_days),
        by_bytes=price * left.data_bytes // left.of_bytes,
    )


def left_of(
    *,
    days: int,
    data_bytes: int,
    time_left: timedelta,
    bytes_left: int,
    later_days: int = 0,
    later_bytes: int = 0,
) -> Unused:
    """What a purchase has left of what its subscription has left; the later ones are used last."""
    own_days = time_left / timedelta(days=1) - later_days
    return Unused(
        days=min(max(own_days, 0.0), float(days)),
        of_days=days,
        data_bytes=min(max(bytes_left - later_bytes, 0), data_bytes),
        of_bytes=data_bytes,
    )


def unused(activation: Activation, now: datetime) -> Unused:
    """What an activation has left; nothing once it was taken back or its time was over.

    What was given away is used; what was received is used last.
    """
    subscription = activation.subscription
    is_standing = activation.withdrawn_at is None and subscription.is_active_at(now)
    later = subscription.activations.filter(pk__gt=activation.pk, withdrawn_at=None).aggregate(
        days=Sum("days"), data_bytes=Sum("data_bytes")
    )
    received = subscription.gifts_received.aggregate(data_bytes=Sum("data_bytes"))
    return left_of(
        days=activation.days,
        data_bytes=activation.data_bytes,
        time_left=subscription.ends_at - now if is_standing else timedelta(),
        bytes_left=subscription.data_limit_bytes - subscription.data_used_bytes
        if is_standing
        else 0,
        later_days=later["days"] or 0,
        later_bytes=(later["data_bytes"] or 0) + (received["data_bytes"] or 0),
    )
