"""Whose turn it is with a provider's days and what is booked for them: one row, locked."""

from __future__ import annotations

from payments.models import DayLock


def lock_days(provider: str) -> None:
    """Wait until nobody else closes, opens or books, and keep others waiting until the commit.

    Comes first in a transaction: only what is read after it is as the one before has left it. For all
    accounts of a provider, as what is booked for one may be another's.
    """
    DayLock.objects.get_or_create(provider=provider)
    DayLock.objects.select_for_update().get(pk=provider)
