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
from bundles.services.allowance import settle_allowance
from bundles.services.earn import held_account
from bundles.services.end import end_subscription
from bundles.services.offer_gift import offer_bought
from bundles.services.renew import go_on_with
from bundles.services.seats import use_held_seat, use_seat, use_seat_for
from bundles.shares import shares_of
from cases.models import CaseKind
from payments import ledger
from payments.errors import CannotFulfil
from payments.models import Disposition, Payment
from payments.services.follow_up import follow_up
from payments.states import State

FIRST_LOOK_AFTER = timedelta(minutes=10)  # at whether the customer has connected


def activate_purchase(*, payment: Payment) -> None:
    """Give the customer what the payment has bought, inside the fulfilment's transaction.

    A gift is offered to whom it is for. Raises CannotFulfil when the purchase was paid before, was
    given up, or has no free seat left.
    """
    purchase = _claim(payment)
    bundle = _take_place(purchase)
    _post_sale(purchase, payment)
    if purchase.gift_phone:
        offer_bought(purchase)
        return
    if bundle is None:
        subscription = _begin(purchase, purchase.customer_id)
    else:
        subscription = serve(purchase, bundle=bundle, customer=purchase.customer)
    if payment.payment_method == Payment.CREDIT:
        go_on_with(subscription, purchase=purchase)


def activate_if_paid(*, customer: User, bundle_id: int) -> Subscription | None:
    """The active subscription, after fulfilling at once what is paid and not yet fulfilled."""
    purchases = Purchase.objects.filter(customer=customer, open_bundle=bundle_id)
    subjects = [purchase.subject for purchase in purchases]
    for payment in Payment.objects.filter(
        subject__in=subjects, state=State.COMPLETED, disposition=Disposition.OPEN
    ):
        follow_up(payment_id=payment.pk)
    return active_subscription(customer_id=customer.pk, bundle_id=bundle_id)


def serve(purchase: Purchase, *, bundle: Bundle, customer: User) -> Subscription:
    """Begin or extend the subscription of a customer who has a place, by a purchase of theirs or one
    that was given to them. The caller holds the bundle's row.
    """
    running = running_subscription(bundle=bundle, customer=customer)
    if running is None:
        return _begin(purchase, customer.pk)
    return _extend(running, purchase)


def running_subscription(*, bundle: Bundle, customer: User) -> Subscription | None:
    """A customer's running subscription of a locked bundle, locked. One that is over ends now, and the
    customer's place stays taken.
    """
    running = (
        Subscription.objects.select_for_update()
        .filter(customer=customer, live_bundle=bundle.pk)
        .first()
    )
    if running is None or running.ends_at > timezone.now():
        return running
    end_subscription(running)
    use_seat(bundle=bundle, customer=customer)
    return None


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


def _take_place(purchase: Purchase) -> Bundle | None:
    """The bundle, locked, unless a place was held: whoever has a subscription has one in use."""
    if use_held_seat(purchase=purchase):
        return None
    bundle = Bundle.objects.select_for_update().get(pk=purchase.bundle_id)
    try:
        use_seat_for(bundle=bundle, purchase=purchase)
    except BundleSoldOut as error:
        raise CannotFulfil("no seat is free any more", case_kind=CaseKind.LATE_PAYMENT) from error
    return bundle


def _begin(purchase: Purchase, customer_id: int) -> Subscription:
    """A bundle whose days begin with the first connection is kept for KEPT_DAYS before them."""
    now = timezone.now()
    awaits_first_use = purchase.bundle.starts_on_first_use
    days = purchase.duration_days + (KEPT_DAYS if awaits_first_use else 0)
    subscription = Subscription.objects.create(
        customer_id=customer_id,
        bundle=purchase.bundle,
        starts_at=now,
        ends_at=now + timedelta(days=days),
        awaits_first_use=awaits_first_use,
        notice_at=now + FIRST_LOOK_AFTER,
        data_limit_bytes=purchase.data_limit_gb * GIGABYTE,
        max_connections=purchase.bundle.max_connections,
        speed_kbps=purchase.bundle.speed_kbps,
    )
    _note(purchase, subscription)
    hooks.subscription_begun.notify(subscription)
    return subscription


def _extend(running: Subscription, purchase: Purchase) -> Subscription:
    """More time and data for a running subscription of the same bundle."""
    _note(purchase, running)
    running.ends_at += timedelta(days=purchase.duration_days)
    settle_allowance(running)
    running.save(update_fields=["ends_at", *OF_ALLOWANCE])
    hooks.subscription_extended.notify(running)
    return running


def _note(purchase: Purchase, subscription: Subscription) -> None:
    Activation.objects.create(
        purchase=purchase,
        subscription=subscription,
        data_bytes=purchase.data_limit_gb * GIGABYTE,
        days=purchase.duration_days,
    )


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
            (ledger.TAX, -shares.tax),
        ],
    )
