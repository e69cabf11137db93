"""Gives a gift back that nobody has claimed: its price becomes credit, its data is the giver's again."""

from __future__ import annotations

import logging

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from bundles import hooks
from bundles.errors import GiftAlreadyClaimed
from bundles.models import OF_ALLOWANCE, Bundle, Gift, Purchase, Subscription
from bundles.selectors import gift_from, paid_by
from bundles.services.allowance import settle_allowance
from bundles.services.seats import free_gift_seat
from common.sizes import in_words
from common.transactions import retried
from notifications.services import queue_message
from payments.errors import NotRefundable
from payments.services.refund_to_credit import held_payment, sold_to_credit

logger = logging.getLogger(__name__)

BATCH = 200


def return_unclaimed() -> int:
    """Give back what nobody has claimed in time, each in its own transaction. Returns how many.

    One whose refund is under way waits for the end of that.
    """
    due = Gift.objects.filter(state=Gift.State.OFFERED, expires_at__lte=timezone.now())
    returned = 0
    for gift in due.select_related("purchase").order_by("expires_at")[:BATCH]:
        try:
            returned += _return(gift)
        except NotRefundable as refusal:
            logger.warning("gift %s waits: %s", gift.pk, refusal)
    return returned


def take_back(*, giver: User, gift_id: int) -> Gift:
    """Return a gift of the giver's at once; one that went back before is given as it is.

    Raises GiftNotFound, GiftAlreadyClaimed, and NotRefundable while a refund is under way.
    """
    gift = gift_from(giver, gift_id)
    if gift.state == Gift.State.OFFERED:
        _return(gift)
        gift = gift_from(giver, gift_id)
    if gift.state == Gift.State.CLAIMED:
        raise GiftAlreadyClaimed("This gift was claimed: it cannot be taken back.")
    return gift


def give_up_bought(purchase: Purchase) -> bool:
    """End the gift of a purchase whose money is gone again, under its bundle's lock, and free its place.

    Returns whether one was waiting.
    """
    if not _end(Gift.objects.filter(purchase=purchase)):
        return False
    free_gift_seat(purchase=purchase)
    return True


def lapse_data(subscription: Subscription) -> None:
    """What of an ended subscription was offered and not claimed is gone with it."""
    for gift in subscription.gifts_given.filter(state=Gift.State.OFFERED):
        if _end(Gift.objects.filter(pk=gift.pk)):
            _tell_of_data(gift, subscription, "gift_data_gone")


def _return(gift: Gift) -> bool:
    """False where somebody was faster."""
    if gift.purchase is not None:
        return _return_bought(gift.pk, paid_by(gift.purchase).pk)
    return gift.subscription_id is not None and _return_data(gift.pk, gift.subscription_id)


@retried
def _return_bought(gift_id: int, payment_id: int) -> bool:
    """The sale is undone; with the money gone the gift ends and its place is free, see `withdraw`."""
    payment = held_payment(payment_id)
    gift = Gift.objects.select_related("giver", "bundle").get(pk=gift_id)
    Bundle.objects.select_for_update().get(pk=gift.bundle_id)
    if not Gift.objects.filter(pk=gift_id, state=Gift.State.OFFERED).exists():
        return False
    amount = sold_to_credit(payment, "the gift was not claimed")
    if gift.giver.phone:
        queue_message(
            message_id="gift_returned",
            to=gift.giver.phone,
            language=gift.giver.language,
            context={"bundle": gift.bundle.name, "amount": amount},
            key=f"gift_returned:{gift.pk}",
        )
    return True


@retried
def _return_data(gift_id: int, subscription_id: int) -> bool:
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    gift = Gift.objects.get(pk=gift_id)
    if not _end(Gift.objects.filter(pk=gift_id)):
        return False
    if not subscription.is_active:
        _tell_of_data(gift, subscription, "gift_data_gone")
        return True
    settle_allowance(subscription)
    subscription.save(update_fields=[*OF_ALLOWANCE])
    hooks.subscription_extended.notify(subscription)
    _tell_of_data(gift, subscription, "gift_data_returned")
    return True


def _end(gifts: QuerySet[Gift]) -> bool:
    """Compare-and-set: whoever claims at the same time, one of the two has the gift."""
    waiting = gifts.filter(state=Gift.State.OFFERED)
    return bool(waiting.update(state=Gift.State.RETURNED, ended_at=timezone.now()))


def _tell_of_data(gift: Gift, subscription: Subscription, message_id: str) -> None:
    giver = subscription.customer
    if giver.phone:
        queue_message(
            message_id=message_id,
            to=giver.phone,
            language=giver.language,
            context={"data": in_words(gift.data_bytes), "bundle": subscription.bundle.name},
            key=f"{message_id}:{gift.pk}",
        )
