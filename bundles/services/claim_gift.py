"""Gives a gift to whoever it was promised to, once."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from bundles import hooks
from bundles.errors import GiftAlreadyClaimed, GiftReturned, GiftToOneself
from bundles.models import OF_ALLOWANCE, Bundle, Gift, Subscription
from bundles.services.activate import FIRST_LOOK_AFTER, running_subscription, serve
from bundles.services.allowance import settle_allowance
from bundles.services.seats import move_seat, use_seat
from common.sizes import in_words
from common.transactions import retried
from notifications.services import queue_message


def claim_gift(*, gift: Gift, claimer: User) -> Gift:
    """Make a gift the claimer's, who has its link or has proved its phone; the caller has seen to that.

    Claimed again by the same person, the same is answered. Raises GiftToOneself, GiftAlreadyClaimed,
    GiftReturned and, for data where a place is needed, BundleSoldOut: that gift stays.
    """
    if gift.giver_id == claimer.pk:
        raise GiftToOneself("You have given this yourself: it is for somebody else.")
    claimed, subscription = _claim(gift.pk, claimer.pk)
    if subscription is not None:
        _tell(subscription)
    return claimed


@retried
def _claim(gift_id: int, claimer_id: int) -> tuple[Gift, Subscription | None]:
    """The gift and what it serves by now; None where it did so before."""
    claimer = User.objects.select_for_update().get(pk=claimer_id)
    bundle_id = Gift.objects.values_list("bundle_id", flat=True).get(pk=gift_id)
    bundle = Bundle.objects.select_for_update().get(pk=bundle_id)
    now = timezone.now()
    is_ours = Gift.objects.filter(pk=gift_id, state=Gift.State.OFFERED, expires_at__gt=now).update(
        state=Gift.State.CLAIMED, claimed_by=claimer, ended_at=now
    )
    gift = Gift.objects.select_related("giver", "bundle", "purchase__bundle", "subscription").get(
        pk=gift_id
    )
    if not is_ours:
        return _claimed_before(gift, claimer), None
    _tell_giver(gift)
    if gift.purchase is not None:
        move_seat(purchase=gift.purchase, customer=claimer)
        return gift, serve(gift.purchase, bundle=bundle, customer=claimer)
    return gift, _add_data(gift, bundle, claimer)


def _claimed_before(gift: Gift, claimer: User) -> Gift:
    if gift.state != Gift.State.CLAIMED:
        raise GiftReturned("This gift has gone back to whoever gave it.")
    if gift.claimed_by_id != claimer.pk:
        raise GiftAlreadyClaimed("This gift was claimed before.")
    return gift


def _add_data(gift: Gift, bundle: Bundle, claimer: User) -> Subscription:
    """More data for a running subscription of the same bundle, or one that ends with the giver's."""
    running = running_subscription(bundle=bundle, customer=claimer)
    if running is None:
        return _begin(gift, bundle, claimer)
    _note(gift, running)
    settle_allowance(running)
    running.save(update_fields=[*OF_ALLOWANCE])
    hooks.subscription_extended.notify(running)
    return running


def _begin(gift: Gift, bundle: Bundle, claimer: User) -> Subscription:
    now = timezone.now()
    if gift.subscription is None or not gift.subscription.is_active_at(now):
        raise GiftReturned("This gift has gone back to whoever gave it.")
    use_seat(bundle=bundle, customer=claimer)
    subscription = Subscription.objects.create(
        customer=claimer,
        bundle=bundle,
        starts_at=now,
        ends_at=gift.subscription.ends_at,
        notice_at=now + FIRST_LOOK_AFTER,
        data_limit_bytes=gift.data_bytes,
        max_connections=bundle.max_connections,
        speed_kbps=bundle.speed_kbps,
    )
    gift.lends_time = subscription.ends_at - now
    _note(gift, subscription)
    hooks.subscription_begun.notify(subscription)
    return subscription


def _note(gift: Gift, subscription: Subscription) -> None:
    gift.received = subscription
    gift.save(update_fields=["received", "lends_time"])


def _tell_giver(gift: Gift) -> None:
    """Inside the claim's transaction: nobody looks later whether it was told."""
    giver = gift.giver
    if not giver.phone:
        return
    queue_message(
        message_id="gift_claimed" if gift.purchase is not None else "gift_data_claimed",
        to=giver.phone,
        language=giver.language,
        context={"bundle": gift.bundle.name, "data": in_words(gift.data_bytes)},
        key=f"gift_claimed:{gift.pk}",
    )


@retried
def _tell(subscription: Subscription) -> None:
    hooks.subscription_ready.notify(subscription)
