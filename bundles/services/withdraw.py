"""Takes back what a purchase gave, when its money is gone again."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from bundles import hooks
from bundles.models import OF_ALLOWANCE, Activation, Bundle, Purchase, Renewal, Subscription
from bundles.services.allowance import settle_allowance
from bundles.services.end import end_subscription
from bundles.services.renew import renew_no_more
from bundles.services.return_gift import give_up_bought
from payments.models import Payment


def withdraw_purchase(*, payment: Payment) -> None:
    """Take the purchase's time and data off its subscription, inside the caller's transaction.

    A subscription that other purchases keep alive goes on with what is theirs, and is not bought again
    by itself: the money that came back would buy it at once. Else it ends. A gift that waits to be
    claimed goes back. Safe to repeat.
    """
    purchase = Purchase.objects.get(pk=Purchase.id_from(payment.subject))
    Bundle.objects.select_for_update().get(pk=purchase.bundle_id)
    if give_up_bought(purchase):
        return
    activation = (
        Activation.objects.select_for_update()
        .filter(purchase=purchase, withdrawn_at=None)
        .select_related("subscription")
        .first()
    )
    if activation is None:
        return
    activation.withdrawn_at = timezone.now()
    activation.save(update_fields=["withdrawn_at"])
    subscription = Subscription.objects.select_for_update().get(pk=activation.subscription_id)
    if subscription.state != Subscription.State.ACTIVE:
        return
    ends_at = subscription.ends_at - timedelta(days=activation.days)
    if ends_at <= timezone.now() or ends_at <= subscription.starts_at:
        end_subscription(subscription, is_withdrawn=True)
        return
    subscription.ends_at = ends_at
    settle_allowance(subscription)
    subscription.save(update_fields=["ends_at", *OF_ALLOWANCE])
    renew_no_more(Q(subscription=subscription), Renewal.Outcome.TAKEN_BACK)
    hooks.subscription_shortened.notify(subscription)
