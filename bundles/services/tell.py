"""Tells a customer that the money came and what it gave."""

from __future__ import annotations

from bundles import hooks
from bundles.models import Purchase
from notifications.services import queue_message
from payments.models import Payment
from payments.selectors import receipt_of


def tell_of_activation(*, payment: Payment) -> None:
    """Put the receipt into the outbox, then let those who deliver add theirs; safe to repeat.

    Whom a gift is for was told when it was offered.
    """
    purchase = Purchase.objects.select_related(
        "bundle",
        "customer",
        "activation__subscription__bundle",
        "activation__subscription__customer",
    ).get(pk=Purchase.id_from(payment.subject))
    _give_receipt(purchase, payment)
    if not purchase.gift_phone:
        hooks.subscription_ready.notify(purchase.activation.subscription)


def _give_receipt(purchase: Purchase, payment: Payment) -> None:
    customer = purchase.customer
    receipt = receipt_of(payment)
    is_credit = payment.payment_method == Payment.CREDIT
    message_id = "credit_paid" if is_credit else "payment_received"
    if purchase.gift_phone:
        message_id += "_gift"
    if phone := customer.phone or receipt.phone:
        queue_message(
            message_id=message_id,
            to=phone,
            language=customer.language,
            context={
                "bundle": purchase.bundle.name,
                "amount": payment.amount,
                "receipt": receipt.number,
            },
            key=f"{message_id}:{payment.public_id}",
        )
