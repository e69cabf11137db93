"""What bundles does when payments tells of money; registered in `apps.py`."""

from __future__ import annotations

from bundles.models import Purchase
from bundles.services import record_fiscally as fiscally
from bundles.services.activate import activate_purchase
from bundles.services.seats import release_hold
from bundles.services.tell import tell_of_activation
from bundles.services.withdraw import withdraw_purchase
from payments.models import Payment, Transfer


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


def correct_withdrawn(payment: Payment) -> None:
    """The money is gone again: the sale's fiscal record is told."""
    if _is_ours(payment):
        fiscally.correct_withdrawn(payment)


def correct_sent_back(transfer: Transfer) -> None:
    """Money of a sale was sent back: the same."""
    if transfer.payment is not None and _is_ours(transfer.payment):
        fiscally.correct_sent_back(transfer)


def release(payment: Payment) -> None:
    """The money will not come, became credit or goes back: others may have the held seat."""
    if not _is_ours(payment):
        return
    purchase = Purchase.objects.get(pk=Purchase.id_from(payment.subject))
    release_hold(bundle_id=purchase.bundle_id, customer_id=purchase.customer_id)


def _is_ours(payment: Payment) -> bool:
    """Money that a customer sent for nothing in particular has no purchase."""
    return bool(payment.subject)
