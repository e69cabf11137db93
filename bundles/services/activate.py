"""Turns a paid purchase into service: subscription, seat and ledger, once."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from bundles import hooks
from bundles.errors import BundleSoldOut
from bundles.models import (
    GIGABYTE,
    KEPT_DAYS,
    OF_ALLOWANCE,
    Activation,
    Bundle,
    Purchase,
    Subscription,
)
from bundles.selectors import active_subscription
from bundles.services.earn import held_account
from bundles.services.end import end_subscription
from bundles.services.renew import go_on_with
from bundles.services.seats import use_held_seat, use_seat
from bundles.shares import shares_of
from cases.models import CaseKind
from payments import ledger
from payments.errors import CannotFulfil
from payments.models import Disposition, Payment
from payments.services.follow_up import follow_up
from payments.states import State

FIRST_LOOK_AFTER = timedelta(minutes=10)  # at whether the customer has connected


def activate_purchase(*, payment: Payment) -> Subscription:
    """Give the customer what the payment has bought, inside the fulfilment's transaction.

    Raises CannotFulfil when the purchase was paid before, was given up, or has no free seat left.
    """
    purchase = _claim(payment)
    subscription, is_new = _serve(purchase)
    Activation.objects.create(
        purchase=purchase,
        subscription=subscription,
        data_bytes=purchase.data_limit_gb * GIGABYTE,
        days=purchase.duration_days,
    )
    if is_new and payment.payment_method == Payment.CREDIT:
        go_on_with(subscription, purchase=purchase)
    _post_sale(purchase, payment)
    told = hooks.subscription_begun if is_new else hooks.subscription_extended
    told.notify(subscription)
    return subscription


def activate_if_paid(*, customer: User, bundle_id: int) -> Subscription | None:
    """The active subscription, after fulfilling at once what is paid and not yet fulfilled."""
    purchases = Purchase.objects.filter(customer=customer, open_bundle=bundle_id)
    subjects = [purchase.subject for purchase in purchases]
    for payment in Payment.objects.filter(
        subject__in=subjects, state=State.COMPLETED, disposition=Disposition.OPEN
    ):
        follow_up(payment_id=payment.pk)
    return active_subscription(customer_id=customer.pk, bundle_id=bundle_id)


def _claim(payment: Payment) -> Purchase:
    """Make the purchase paid, which only one payment can; what was bought does not change any more."""
    purchases = Purchase.objects.filter(pk=Purchase.id_from(payment.subject))
    purchase = purchases.select_related("bundle").get()
    is_ours = purchases.filter(state=Purchase.State.AWAITING_PAYMENT).update(
        state=Purchase.State.PAID, paid_at=timezone.now()
    )
    if is_ours:
        return purchase
    if purchases.values_list("state", flat=True).get() == Purchase.State.PAID:
        raise CannotFulfil("the purchase was paid before", case_kind=CaseKind.PAID_TWICE)
    raise CannotFulfil("the purchase was given up", case_kind=CaseKind.LATE_PAYMENT)


def _serve(purchase: Purchase) -> tuple[Subscription, bool]:
    """The subscription that the purchase begins or extends, and whether it is new."""
    if use_held_seat(bundle_id=purchase.bundle_id, customer_id=purchase.customer_id):
        return _begin(purchase), True  # whoever has a subscription has a place in use, not held
    bundle = Bundle.objects.select_for_update().get(pk=purchase.bundle_id)
    try:
        use_seat(bundle=bundle, customer=purchase.customer)
    except BundleSoldOut as error:
        raise CannotFulfil("no seat is free any more", case_kind=CaseKind.LATE_PAYMENT) from error
    running = (
        Subscription.objects.select_for_update()
        .filter(customer=purchase.customer_id, live_bundle=bundle.pk)
        .first()
    )
    if running is not None and running.ends_at > timezone.now():
        return _extend(running, purchase), False
    if running is not None:
        end_subscription(running)
        use_seat(bundle=bundle, customer=purchase.customer)
    return _begin(purchase), True


def _begin(purchase: Purchase) -> Subscription:
    """A bundle whose days begin with the first connection is kept for KEPT_DAYS before them."""
    now = timezone.now()
    awaits_first_use = purchase.bundle.starts_on_first_use
    days = purchase.duration_days + (KEPT_DAYS if awaits_first_use else 0)
    return Subscription.objects.create(
        customer_id=purchase.customer_id,
        bundle=purchase.bundle,
        starts_at=now,
        ends_at=now + timedelta(days=days),
        awaits_first_use=awaits_first_use,
        notice_at=now + FIRST_LOOK_AFTER,
        data_limit_bytes=purchase.data_limit_gb * GIGABYTE,
        max_connections=purchase.bundle.max_connections,
        speed_kbps=purchase.bundle.speed_kbps,
    )


def _extend(running: Subscription, purchase: Purchase) -> Subscription:
    """More time and data for a running subscription of the same bundle."""
    running.ends_at += timedelta(days=purchase.duration_days)
    running.allow(purchase.data_limit_gb * GIGABYTE)
    running.save(update_fields=["ends_at", *OF_ALLOWANCE])
    return running


def _post_sale(purchase: Purchase, payment: Payment) -> None:
    """Share the price out."""
    shares = shares_of(purchase)
    ledger.post(
        source=f"sale:{purchase.subject}",
        memo=str(purchase.bundle),
        payment=payment,
        lines=[
            (ledger.RECEIPTS, purchase.price),
            (held_account(purchase.bundle.owner_id), -shares.owner),
            (ledger.REVENUE, -shares.commission),
            ("tax", -shares.tax),
        ],
    )
