"""Ends subscriptions whose time is over, and frees their seats."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from bundles import hooks
from bundles.models import Bundle, Renewal, Subscription
from bundles.services.renew import renew_no_more
from bundles.services.return_gift import lapse_data
from bundles.services.seats import free_seat
from common.transactions import retried

BATCH = 200


def end_overdue_subscriptions() -> int:
    """End every active subscription past its end, each in its own transaction. Returns how many."""
    overdue = Subscription.objects.filter(
        state=Subscription.State.ACTIVE, ends_at__lte=timezone.now()
    )
    return sum(_end_if_overdue(key) for key in overdue.values_list("pk", flat=True)[:BATCH])


@retried
def _end_if_overdue(subscription_id: int) -> bool:
    bundle_id = Subscription.objects.values_list("bundle_id", flat=True).get(pk=subscription_id)
    Bundle.objects.select_for_update().get(pk=bundle_id)
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    if subscription.state != Subscription.State.ACTIVE or subscription.ends_at > timezone.now():
        return False
    end_subscription(subscription)
    return True


def end_of_customer(customer_id: int) -> None:
    """End all that a customer has, inside the caller's transaction: they have given it up."""
    theirs = Subscription.objects.filter(
        customer_id=customer_id, state=Subscription.State.ACTIVE
    ).order_by("bundle_id")
    for subscription_id, bundle_id in theirs.values_list("pk", "bundle_id"):
        Bundle.objects.select_for_update().get(pk=bundle_id)
        end_subscription(
            Subscription.objects.select_for_update().get(pk=subscription_id), is_withdrawn=True
        )


def end_subscription(subscription: Subscription, *, is_withdrawn: bool = False) -> None:
    """End one locked subscription, inside the caller's transaction that holds its bundle's row.

    `is_withdrawn` when it is taken away; else its time is over.
    """
    subscription.state = Subscription.State.ENDED
    subscription.ended_at = timezone.now()
    subscription.save(update_fields=["state", "ended_at"])
    free_seat(bundle_id=subscription.bundle_id, customer_id=subscription.customer_id)
    if is_withdrawn:
        renew_no_more(Q(subscription=subscription), Renewal.Outcome.TAKEN_BACK)
    lapse_data(subscription)
    told = hooks.subscription_withdrawn if is_withdrawn else hooks.subscription_ended
    told.notify(subscription)
