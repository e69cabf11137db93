"""Turns a paid purchase into service: subscription, seat, ledger and messages, once."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from bundles import hooks
from bundles.errors import BundleSoldOut
from bundles.models import GIGABYTE, Activation, Purchase, Subscription
from bundles.selectors import active_subscription
from bundles.services.earn import held_account
from bundles.services.end import end_subscription
from bundles.services.seats import use_seat
from cases.models import CaseKind
from notifications.services import queue_message
from payments import ledger
from payments.errors import CannotFulfil
from payments.models import Disposition, Payment
from payments.selectors import receipt_of
from payments.services.follow_up import follow_up
from payments.states import State


def activate_purchase(*, payment: Payment) -> Subscription:
    """Give the customer what the payment has bought, inside the fulfilment's transaction.

    Raises CannotFulfil when the purchase was paid before, was given up, or has no free seat left.
    """
    purchase = (
        Purchase.objects.select_for_update()
        .select_related("bundle")  # its row is locked too
        .get(pk=Purchase.id_from(payment.subject))
    )
    if purchase.state == Purchase.State.PAID:
        raise CannotFulfil("the purchase was paid before", case_kind=CaseKind.PAID_TWICE)
    if purchase.state == Purchase.State.ABANDONED:
        raise CannotFulfil("the purchase was given up", case_kind=CaseKind.LATE_PAYMENT)
    try:
        use_seat(bundle=purchase.bundle, customer=purchase.customer)
    except BundleSoldOut as error:
        raise CannotFulfil("no seat is free any more", case_kind=CaseKind.LATE_PAYMENT) from error
    subscription, is_new = _begin_or_extend(purchase)
    Activation.objects.create(
        purchase=purchase,
        subscription=subscription,
        data_bytes=purchase.data_limit_gb * GIGABYTE,
        days=purchase.duration_days,
    )
    purchase.state = Purchase.State.PAID
    purchase.paid_at = timezone.now()
    purchase.save(update_fields=["state", "paid_at"])
    _post_sale(purchase, payment)
    _tell(purchase, payment)
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


def _begin_or_extend(purchase: Purchase) -> tuple[Subscription, bool]:
    """A running subscription of the same bundle gets more data and time; else a new one begins.

    Returns it, and whether it is new.
    """
    now = timezone.now()
    added_time = timedelta(days=purchase.duration_days)
    added_bytes = purchase.data_limit_gb * GIGABYTE
    running = (
        Subscription.objects.select_for_update()
        .filter(customer=purchase.customer, live_bundle=purchase.bundle_id)
        .first()
    )
    if running is not None and running.ends_at > now:
        running.ends_at += added_time
        running.data_limit_bytes += added_bytes
        running.save(update_fields=["ends_at", "data_limit_bytes"])
        return running, False
    if running is not None:
        end_subscription(running)
        use_seat(bundle=purchase.bundle, customer=purchase.customer)
    begun = Subscription.objects.create(
        customer=purchase.customer,
        bundle=purchase.bundle,
        starts_at=now,
        ends_at=now + added_time,
        data_limit_bytes=added_bytes,
        max_connections=purchase.bundle.max_connections,
    )
    return begun, True


def _post_sale(purchase: Purchase, payment: Payment) -> None:
    """Share the price out: tax contained in it, the platform's commission, the owner's part."""
    tax = round(purchase.price * purchase.tax_percent / (100 + purchase.tax_percent))
    commission = round((purchase.price - tax) * purchase.commission_percent / 100)
    owner_part = purchase.price - tax - commission
    ledger.post(
        source=f"sale:{purchase.subject}",
        memo=str(purchase.bundle),
        payment=payment,
        lines=[
            (ledger.RECEIPTS, purchase.price),
            (held_account(purchase.bundle.owner_id), -owner_part),
            (ledger.REVENUE, -commission),
            ("tax", -tax),
        ],
    )


def _tell(purchase: Purchase, payment: Payment) -> None:
    receipt = receipt_of(payment)
    phone = purchase.customer.phone or receipt.phone
    if not phone:
        return
    queue_message(
        message_id="payment_received",
        to=phone,
        language=purchase.customer.language,
        context={
            "bundle": purchase.bundle.name,
            "amount": payment.amount,
            "receipt": receipt.number,
        },
        key=f"payment_received:{payment.public_id}",
    )
