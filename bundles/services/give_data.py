"""Gives part of a customer's remaining data away: it leaves the allowance at once."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from bundles import hooks
from bundles.errors import (
    GiftToOneself,
    MoreThanIsLeft,
    SubscriptionNotBegun,
    SubscriptionNotFound,
    SubscriptionOver,
    TooManyGifts,
)
from bundles.models import LAST_PACKET_BYTES, OF_ALLOWANCE, Gift, Subscription
from bundles.services.allowance import settle_allowance
from bundles.services.offer_gift import offer_data
from common.sizes import in_words
from common.transactions import retried

# What devices may have used since their gateway last reported: ten seconds at 40 Mbit/s.
NOT_REPORTED_YET_BYTES = 50_000_000
A_DAY = timedelta(days=1)
GIVEN_MAX = 10  # in a day by one customer: each is an SMS to somebody who has not asked for it


def giveable_bytes(subscription: Subscription) -> int:
    """How much of a subscription can be given away: it stays usable."""
    used = subscription.data_used_bytes + LAST_PACKET_BYTES + NOT_REPORTED_YET_BYTES
    return max(subscription.data_limit_bytes - used, 0)


@retried
def give_data(*, giver: User, subscription_id: int, phone: str, data_bytes: int) -> Gift:
    """Offer bytes of the giver's own running subscription to a phone (E.164).

    Raises SubscriptionNotFound, SubscriptionOver, SubscriptionNotBegun, GiftToOneself, TooManyGifts
    and MoreThanIsLeft.
    """
    giver = User.objects.select_for_update().get(pk=giver.pk)
    subscription = _own_subscription(giver, subscription_id)
    refuse_oneself(giver, phone)
    _refuse_flood(giver)
    left = giveable_bytes(subscription)
    if data_bytes > left:
        raise MoreThanIsLeft(
            _("You can give at most {left} of this away.").format(left=in_words(left))
            if left
            else _("Too little of this is left to give away.")
        )
    gift = offer_data(subscription, phone=phone, data_bytes=data_bytes)
    settle_allowance(subscription)
    subscription.save(update_fields=[*OF_ALLOWANCE])
    hooks.subscription_shortened.notify(subscription)
    return gift


def refuse_oneself(giver: User, phone: str) -> None:
    """Raises GiftToOneself."""
    if giver.phone == phone:
        raise GiftToOneself("This is your own phone. A gift is for somebody else.")


def _own_subscription(giver: User, subscription_id: int) -> Subscription:
    """The subscription, locked."""
    own = Subscription.objects.select_for_update().filter(customer=giver)
    subscription = own.filter(pk=subscription_id).first()
    if subscription is None:
        raise SubscriptionNotFound("There is no such subscription.")
    if not subscription.is_active:
        raise SubscriptionOver("This bundle has ended: nothing of it can be given away.")
    if subscription.awaits_first_use:
        raise SubscriptionNotBegun("Connect once with this bundle before you give of its data.")
    return subscription


def _refuse_flood(giver: User) -> None:
    """The lock on the person's row makes it exact."""
    lately = Gift.objects.filter(giver=giver, purchase=None, created_at__gt=timezone.now() - A_DAY)
    if lately.count() >= GIVEN_MAX:
        raise TooManyGifts("You have given data away often today. Try again tomorrow.")
