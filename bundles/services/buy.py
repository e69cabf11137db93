"""Buys a bundle: price, seat, purchase and payment in one transaction; no provider is called."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleNotFound, BundleUnavailable, EarlierPaymentUnresolved
from bundles.models import Bundle, Purchase, Terms, terms_snapshot
from bundles.services.give_data import refuse_oneself
from bundles.services.seats import hold_seat
from common.transactions import retried
from payments.errors import PaymentInProgress
from payments.models import IdempotentRequest, Payment
from payments.networks import provider_for
from payments.selectors import (
    latest_attempt,
    payment_under_way,
    unanswered_attempts,
)
from payments.services.idempotency import keep_result
from payments.services.start import start_payment
from payments.states import State

HELD_AFTER_EXPIRY = timedelta(minutes=1)
WARNING_LASTS = timedelta(hours=1)


def buy_bundle(
    *,
    customer: User,
    bundle_id: int,
    phone: str,
    provider: str,
    use_credit: bool = False,
    gift_phone: str = "",
    claimed: IdempotentRequest | None = None,
) -> tuple[Payment, bool]:
    """Start paying for a bundle by an E.164 phone; returns the payment and whether it is new.

    With `use_credit` the customer's credit pays first. With a `gift_phone` (E.164) it is a gift to
    whoever has that. The same customer, bundle, receiver and phone with a payment alive gets that
    payment back; so does, with any phone, who has paid and is not served yet. `provider` is a stored
    value or a word that means "work it out". Raises BundleNotFound, BundleUnavailable,
    BundleSoldOut, GiftToOneself, EarlierPaymentUnresolved and whatever `start_payment` raises.
    """
    try:
        return _buy(customer.pk, bundle_id, phone, provider, use_credit, gift_phone, claimed)
    except EarlierPaymentUnresolved:
        _note_warning(customer.pk, bundle_id, gift_phone)
        raise


@retried
def _buy(
    customer_id: int,
    bundle_id: int,
    phone: str,
    provider: str,
    use_credit: bool,
    gift_phone: str,
    claimed: IdempotentRequest | None,
) -> tuple[Payment, bool]:
    customer = User.objects.select_for_update().get(pk=customer_id)
    bundle = Bundle.objects.select_for_update().filter(pk=bundle_id).first()
    if bundle is None:
        raise BundleNotFound("This bundle does not exist any more.")
    refuse_oneself(customer, gift_phone)
    purchase = open_purchase(customer, bundle, gift_phone)
    under_way = payment_under_way(purchase.subject)
    if under_way is not None:
        payment, is_new = _paid_or_same_phone(under_way, phone), False
    else:
        payment = _start(customer, bundle, purchase, phone, provider, use_credit)
        is_new = True
    if claimed is not None:
        keep_result(claimed=claimed, payment=payment)
    return payment, is_new


def _start(
    customer: User,
    bundle: Bundle,
    purchase: Purchase,
    phone: str,
    provider: str,
    use_credit: bool,
) -> Payment:
    if not bundle.is_active:
        raise BundleUnavailable("This bundle is not sold at the moment.")
    _refuse_unwarned(purchase)
    timeout = timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)
    hold_seat(bundle=bundle, purchase=purchase, until=timezone.now() + timeout + HELD_AFTER_EXPIRY)
    return start_payment(
        payer=customer,
        subject=purchase.subject,
        amount=purchase.price,
        phone=phone,
        provider=provider_for(requested=provider, phone=phone),
        daily_amount_floor=_dearest_price(),
        use_credit=use_credit,
    )


def open_purchase(customer: User, bundle: Bundle, gift_phone: str = "") -> Purchase:
    """The customer's unpaid purchase of this bundle, for themselves or for a phone, if its terms are
    still today's, or a new one.
    """
    terms = terms_snapshot(bundle, Terms.current())
    purchase = (
        Purchase.objects.select_for_update()
        .filter(customer=customer, open_bundle=bundle.pk, gift_phone=gift_phone)
        .first()
    )
    if purchase is not None:
        is_current = all(getattr(purchase, name) == value for name, value in terms.items())
        if is_current or payment_under_way(purchase.subject) is not None:
            return purchase
        purchase.state = Purchase.State.ABANDONED
        purchase.save(update_fields=["state"])
    return Purchase.objects.create(customer=customer, bundle=bundle, gift_phone=gift_phone, **terms)


def _paid_or_same_phone(under_way: Payment, phone: str) -> Payment:
    if under_way.state == State.COMPLETED:
        return under_way
    attempt = latest_attempt(under_way)
    if attempt is None or attempt.customer_phone != phone:
        raise PaymentInProgress(
            "A payment for this bundle is already waiting on another phone. Answer it there first."
        )
    return under_way


def _refuse_unwarned(purchase: Purchase) -> None:
    """An earlier payment that nobody can ask about may still take money: the customer must know."""
    if not unanswered_attempts(purchase.subject).exists():
        return
    warned_at = purchase.warned_at
    if warned_at is None or timezone.now() - warned_at > WARNING_LASTS:
        raise EarlierPaymentUnresolved(
            "Your earlier payment may still go through. If it does, the money of one of the two "
            "comes back to you. Press pay again to start a new payment anyway."
        )


@retried
def _note_warning(customer_id: int, bundle_id: int, gift_phone: str) -> None:
    Purchase.objects.filter(
        customer_id=customer_id, open_bundle=bundle_id, gift_phone=gift_phone
    ).update(warned_at=timezone.now())


def _dearest_price() -> int:
    dearest: int | None = Bundle.objects.filter(is_active=True).aggregate(top=Max("price"))["top"]
    return dearest or 0
