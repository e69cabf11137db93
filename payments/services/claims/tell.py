"""How a claim ends, who is told, and the case that asks staff about it."""

from __future__ import annotations

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common.transactions import retried
from notifications.services import queue_message
from payments.models import Payment, ReceiptClaim

State = ReceiptClaim.State


@retried
def find(*, claim: ReceiptClaim, payment: Payment, tells: bool) -> None:
    """It is the receipt of this payment of the customer's; told by SMS unless they read it just now."""
    unfound = ReceiptClaim.objects.filter(pk=claim.pk).exclude(state=State.FOUND)
    if not unfound.update(
        state=State.FOUND, payment=payment, closed_at=timezone.now(), next_look_at=None
    ):
        return
    resolve_by_itself(
        kind=CaseKind.RECEIPT_CLAIMED,
        subject=claim.subject,
        resolution=f"it is the receipt of payment {payment.public_id}",
    )
    if tells:
        _tell(claim, "receipt_found")


@retried
def give_to_staff(*, claim: ReceiptClaim, why: str, amount: int = 0) -> None:
    """Ask staff. The customer is not told yet: it may be somebody else's receipt, and tells nothing."""
    _open_case(claim, why, amount)


def pass_on(claim: ReceiptClaim, why: str) -> None:
    """No statement has told of it in time: a person looks. In the caller's transaction."""
    looking = ReceiptClaim.objects.filter(pk=claim.pk, state=State.LOOKING)
    if not looking.update(state=State.WITH_STAFF):
        return
    _open_case(claim, why, 0)
    _tell(claim, "receipt_with_staff")


@retried
def give_up(claim: ReceiptClaim) -> None:
    """Staff have closed its case, and it is no payment of the customer's."""
    unfound = ReceiptClaim.objects.filter(pk=claim.pk, state__in=[State.LOOKING, State.WITH_STAFF])
    if unfound.update(state=State.NOT_FOUND, closed_at=timezone.now(), next_look_at=None):
        _tell(claim, "receipt_not_found")


def _open_case(claim: ReceiptClaim, why: str, amount: int) -> None:
    open_case(
        kind=CaseKind.RECEIPT_CLAIMED,
        subject=claim.subject,
        amount=amount,
        detail=f"{claim.customer} (customer {claim.customer_id}) names receipt {claim.receipt}: {why}",
        customer_waits=True,
    )


def _tell(claim: ReceiptClaim, message_id: str) -> None:
    if claim.customer.phone:
        queue_message(
            message_id=message_id,
            to=claim.customer.phone,
            language=claim.customer.language,
            context={"receipt": claim.receipt},
            key=f"{message_id}:{claim.pk}",
        )
