"""What bundles does when payments tells of money; registered in `apps.py`."""

from __future__ import annotations

from bundles.models import Purchase
from bundles.services.activate import activate_purchase
from bundles.services.seats import release_hold
from bundles.services.tell import tell_of_activation
from bundles.services.withdraw import withdraw_purchase
from payments.models import Payment


def activate(payment: Payment) -> None:
    """The money is there: give what it has bought."""
    if _is_ours(payment):
        activate_purchase(payment=payment)


def tell(payment: Payment) -> None:
    """What the money has bought is there: say so."""
    if _is_ours(payment):
        tell_of_activation(payment=payment)


def withdraw(payment: Payment) -> None:
    """The money is gone again: what it has bought ends."""
    if _is_ours(payment):
        withdraw_purchase(payment=payment)


def release(payment: Payment) -> None:
    """The money will not come, became credit or goes back: others may have the held seat."""
    if not _is_ours(payment):
        return
    purchase = Purchase.objects.get(pk=Purchase.id_from(payment.subject))
    release_hold(bundle_id=purchase.bundle_id, customer_id=purchase.customer_id)


def _is_ours(payment: Payment) -> bool:
    """Money that a customer sent for nothing in particular has no purchase."""
    return bool(payment.subject)
