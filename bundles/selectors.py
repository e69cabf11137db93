"""Reads of the catalogue, purchases and subscriptions."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from bundles.errors import PaymentNotFound
from bundles.models import Bundle, Purchase, Subscription
from payments.models import Payment
from payments.selectors import payments_of


def bundles_on_sale() -> QuerySet[Bundle]:
    """What customers may buy now, cheapest first."""
    return Bundle.objects.filter(is_active=True).select_related("owner")


def bundles_matching(text: str) -> QuerySet[Bundle]:
    """Bundles on sale whose name or description contains the text."""
    return bundles_on_sale().filter(Q(name__icontains=text) | Q(description__icontains=text))


def subscriptions_of(customer_id: int) -> QuerySet[Subscription]:
    """A customer's subscriptions, the latest first."""
    return (
        Subscription.objects.filter(customer_id=customer_id)
        .select_related("bundle")
        .order_by("-id")
    )


def active_subscription(*, customer_id: int, bundle_id: int) -> Subscription | None:
    """The subscription that a customer may use now, if there is one."""
    return Subscription.objects.filter(
        customer_id=customer_id, live_bundle=bundle_id, ends_at__gt=timezone.now()
    ).first()


def purchases_of(payments: Iterable[Payment]) -> dict[str, Purchase]:
    """The purchases that payments are for, with what they became, by subject."""
    keys = {Purchase.id_from(payment.subject) for payment in payments}
    found = Purchase.objects.select_related("bundle", "activation").in_bulk(keys)
    return {purchase.subject: purchase for purchase in found.values()}


def own_payment(*, user_id: int, name: str) -> Payment:
    """A person's payment by its id or by its attempt's reference. Raises PaymentNotFound."""
    payment = payments_of(user_id).filter(Q(public_id=name) | Q(attempts__reference=name)).first()
    if payment is None:
        raise PaymentNotFound("There is no such payment.")
    return payment
