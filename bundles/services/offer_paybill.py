"""Lets a customer pay for a bundle by the provider's own menu: a purchase, a seat and a reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleNotFound, BundleUnavailable
from bundles.models import Bundle, Purchase
from bundles.pay_reference import new_pay_reference
from bundles.services.buy import HELD_AFTER_EXPIRY, open_purchase
from bundles.services.seats import hold_seat
from common.transactions import retried
from payments.errors import PaybillUnavailable
from payments.providers import registry
from payments.selectors import switch_of

REFERENCES_TRIED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessNumber:
    """Where to pay: a provider's stored value and name, and our number with it."""

    provider: str
    name: str
    business_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paybill:
    """What to dial. The seat is held until `expires_at`; later money is served if one is free."""

    reference: str
    amount: int  # TZS
    bundle_id: int
    expires_at: datetime
    numbers: list[BusinessNumber]


def offer_paybill(*, customer: User, bundle_id: int) -> Paybill:
    """The open purchase of a bundle, with the reference to pay it by; asking again gives the same.

    Raises PaybillUnavailable, BundleNotFound, BundleUnavailable and BundleSoldOut.
    """
    numbers = [
        BusinessNumber(provider=provider.value, name=str(provider.label), business_number=number)
        for provider, number in registry.paybill_numbers()
        if (switch := switch_of(provider)) is None or switch.takes_payments
    ]
    if not numbers:
        raise PaybillUnavailable("Paying by the provider's menu is not possible at the moment.")
    expires_at = timezone.now() + timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    purchase = _hold(customer.pk, bundle_id, expires_at)
    return Paybill(
        reference=purchase.pay_reference or "",
        amount=purchase.price,
        bundle_id=purchase.bundle_id,
        expires_at=expires_at,
        numbers=numbers,
    )


@retried
def _hold(customer_id: int, bundle_id: int, expires_at: datetime) -> Purchase:
    customer = User.objects.select_for_update().get(pk=customer_id)
    bundle = Bundle.objects.select_for_update().filter(pk=bundle_id).first()
    if bundle is None:
        raise BundleNotFound("This bundle does not exist any more.")
    if not bundle.is_active:
        raise BundleUnavailable("This bundle is not sold at the moment.")
    purchase = open_purchase(customer, bundle)
    hold_seat(bundle=bundle, purchase=purchase, until=expires_at + HELD_AFTER_EXPIRY)
    _give_reference(purchase)
    return purchase


def _give_reference(purchase: Purchase) -> None:
    """A reference that no purchase has or had; the database says which are taken."""
    for tries_left in reversed(range(REFERENCES_TRIED)):
        if purchase.pay_reference is not None:
            return
        try:
            with transaction.atomic():
                purchase.pay_reference = new_pay_reference()
                purchase.save(update_fields=["pay_reference"])
        except IntegrityError:
            purchase.pay_reference = None
            if not tries_left:
                raise
