"""Buys what a customer has again from their credit, for whoever wants it so.

A few hours before the end, or when the data is used up, at the price and terms of that moment.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.timezone import localtime

from accounts.models import User
from bundles.errors import BundleUnavailable, SubscriptionOver
from bundles.models import Bundle, Purchase, Renewal, Subscription
from bundles.selectors import is_being_paid, own_subscription
from bundles.services.buy import open_purchase
from common.transactions import retried
from notifications.services import queue_message
from payments import ledger
from payments.services.spend_credit import pay_from_credit

logger = logging.getLogger(__name__)

Outcome = Renewal.Outcome

BATCH = 200
BEFORE_THE_END = timedelta(hours=3)
LOOK_AGAIN_AFTER = timedelta(minutes=5)  # for credit that has come, and a payment that has ended


@retried
def switch_renewal(*, customer: User, subscription_id: int, is_wanted: bool) -> Subscription:
    """Say whether a subscription is bought again by itself, for what its bundle costs now at most.

    Raises SubscriptionNotFound, and where it is wanted SubscriptionOver and BundleUnavailable.
    """
    User.objects.select_for_update().get(pk=customer.pk)
    subscription = own_subscription(user_id=customer.pk, subscription_id=subscription_id)
    if not is_wanted:
        Renewal.objects.filter(subscription=subscription).update(due_at=None)
    else:
        _switch_on(subscription)
    return own_subscription(user_id=customer.pk, subscription_id=subscription_id)


def _switch_on(subscription: Subscription) -> None:
    if not subscription.is_active:
        raise SubscriptionOver("This subscription is over. Buy the bundle again.")
    if not subscription.bundle.is_active:
        raise BundleUnavailable("This bundle is not sold at the moment.")
    Renewal.objects.update_or_create(
        subscription=subscription,
        defaults={
            "price_most": subscription.bundle.price,
            "due_at": timezone.now(),
            "outcome": "",
            "outcome_at": None,
        },
    )


def renew_due() -> int:
    """Look at each renewal whose time has come, one after the other. Returns how many were bought."""
    due = Renewal.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    rows = due.values_list("pk", "due_at", "subscription__customer_id")
    return sum(_renew_alone(*row) for row in list(rows[:BATCH]))


def look_soon(subscription_ids: Collection[int]) -> None:
    """Their ends or allowances are not what they were: the sweep looks, inside the caller's
    transaction.
    """
    on = Renewal.objects.filter(subscription__in=subscription_ids, due_at__isnull=False)
    on.update(due_at=timezone.now())


def renew_no_more(of: Q, outcome: Renewal.Outcome) -> None:
    """Switch off what is on, inside the caller's transaction."""
    on = Renewal.objects.filter(of, due_at__isnull=False)
    on.update(due_at=None, outcome=outcome, outcome_at=timezone.now())


def go_on_with(subscription: Subscription, *, purchase: Purchase) -> None:
    """What a renewal has bought came after the end, and began anew: it is the new one's renewal."""
    on = Renewal.objects.filter(purchase=purchase, due_at__isnull=False)
    if not Renewal.objects.filter(subscription=subscription).exists():
        on.update(subscription=subscription, due_at=timezone.now())


def _renew_alone(renewal_id: int, due_at: datetime | None, customer_id: int) -> bool:
    """One that cannot be looked at keeps nobody else waiting: its claim has put it off."""
    try:
        return _claim(renewal_id, due_at) and _renew(renewal_id, customer_id)
    except Exception:
        logger.exception("renewal %s could not be looked at", renewal_id)
        return False


@retried
def _claim(renewal_id: int, due_at: datetime | None) -> bool:
    """Whoever dies with a claim has bought nothing, or all: the next look finds which."""
    ours = Renewal.objects.filter(pk=renewal_id, due_at=due_at)
    return ours.update(due_at=timezone.now() + LOOK_AGAIN_AFTER) == 1


@retried
def _renew(renewal_id: int, customer_id: int) -> bool:
    """Who holds the customer's row buys for them alone. What is under way is asked before what is
    there: a payment that is served in between is seen as the one or as the other.
    """
    customer = User.objects.select_for_update().get(pk=customer_id)
    renewal = Renewal.objects.get(pk=renewal_id)
    if not renewal.is_on:
        return False
    bundle = Bundle.objects.get(subscriptions__renewal=renewal)
    if is_being_paid(customer_id=customer.pk, bundle_id=bundle.pk):
        return _note(renewal, Outcome.PAYING)
    subscription = Subscription.objects.get(pk=renewal.subscription_id)
    if not (subscription.is_active and customer.is_active):
        return _switch_off(renewal, Outcome.OVER)
    if (due_at := _due_at(subscription)) > timezone.now():
        return _put_off(renewal, due_at)
    period = str(int(subscription.ends_at.timestamp()))
    if not bundle.is_active:
        _tell(customer, subscription, "renewal_not_sold", key=period)
        return _switch_off(renewal, Outcome.NOT_SOLD)
    if bundle.price > renewal.price_most:
        price = bundle.price
        _tell(customer, subscription, "renewal_dearer", key=str(price), amount=price)
        return _note(renewal, Outcome.DEARER)
    if (missing := bundle.price - ledger.credit_of(customer.pk)) > 0:
        _tell(customer, subscription, "renewal_short", key=period, missing=missing)
        return _note(renewal, Outcome.SHORT)
    renewal.purchase = _buy(customer, bundle)
    renewal.save(update_fields=["purchase"])
    _note(renewal, Outcome.RENEWED)
    return True


def _due_at(subscription: Subscription) -> datetime:
    """What has not begun is not bought a second time before it has."""
    if subscription.used_up_at is not None:
        return subscription.used_up_at
    if subscription.awaits_first_use:
        return subscription.ends_at
    return subscription.ends_at - BEFORE_THE_END


def _put_off(renewal: Renewal, due_at: datetime) -> bool:
    """Unless what was looked at has changed since: then it is due at once (`look_soon`)."""
    unchanged = Renewal.objects.filter(pk=renewal.pk, due_at=renewal.due_at)
    unchanged.update(due_at=max(due_at, timezone.now() + LOOK_AGAIN_AFTER))
    return False


def _buy(customer: User, bundle: Bundle) -> Purchase:
    purchase = open_purchase(customer, bundle)
    pay_from_credit(
        payer=customer,
        subject=purchase.subject,
        amount=purchase.price,
        evidence="bought again from credit, as the customer wanted",
    )
    return purchase


def _note(renewal: Renewal, outcome: Renewal.Outcome) -> bool:
    """Keep what came of a look; nothing was bought."""
    renewal.outcome, renewal.outcome_at = outcome, timezone.now()
    renewal.save(update_fields=["outcome", "outcome_at"])
    return False


def _switch_off(renewal: Renewal, outcome: Renewal.Outcome) -> bool:
    renewal.due_at = None
    renewal.save(update_fields=["due_at"])
    return _note(renewal, outcome)


def _tell(
    customer: User, subscription: Subscription, message_id: str, *, key: str, **words: Any
) -> None:
    """Each thing once: a look that finds the same again has the same key."""
    if not customer.phone:
        return
    until = localtime(subscription.ends_at, ZoneInfo(settings.BUSINESS_TIME_ZONE))
    queue_message(
        message_id=message_id,
        to=customer.phone,
        language=customer.language,
        context={"bundle": subscription.bundle.name, "until": f"{until:%d.%m.%Y %H:%M}", **words},
        key=f"{message_id}:{subscription.pk}:{key}",
    )
