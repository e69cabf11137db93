"""Forgets whom gifts were for, some time after their end: most have never asked to be known here."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from bundles.models import Gift, Purchase
from common.transactions import retried
from notifications.forget import forget_messages

KEPT_FOR = timedelta(days=90)
BATCH = 500


@retried
def forget_old_receivers() -> int:
    """Of gifts that ended long ago, and of those that nobody has paid for. Returns how many ended ones.

    What was never paid is given up: no provider tells of it any more after so long.
    """
    since = timezone.now() - KEPT_FOR
    unpaid = Purchase.objects.filter(created_at__lt=since).exclude(state=Purchase.State.PAID)
    keys = unpaid.exclude(gift_phone="").values_list("pk", flat=True)[:BATCH]
    Purchase.objects.filter(pk__in=list(keys)).update(state=Purchase.State.ABANDONED, gift_phone="")
    return _forget(Gift.objects.filter(ended_at__lt=since).exclude(phone="").order_by("ended_at"))


def forget_receiver(user: User) -> None:
    """The same of all that has ended, when somebody deletes the account, in that transaction."""
    ended = Gift.objects.filter(ended_at__isnull=False).exclude(phone="")
    _forget(ended.filter(claimed_by=user))
    if user.phone:
        _forget(ended.filter(phone=user.phone))


def _forget(gifts: QuerySet[Gift]) -> int:
    found = list(gifts.values_list("pk", "purchase_id")[:BATCH])
    keys = [key for key, _ in found]
    Purchase.objects.filter(pk__in=[each for _, each in found if each]).update(gift_phone="")
    forget_messages([f"gift:{key}" for key in keys])
    return Gift.objects.filter(pk__in=keys).update(phone="")
