"""Sends a customer's credit back to the number that paid. It is no wallet: nowhere else."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common.transactions import retried
from payments import ledger
from payments.errors import IdempotencyKeyReused, NotRefundable
from payments.models import MobileMoneyTransaction, Transfer, TransferEvent, TransferRules
from payments.services.open_transfer import open_transfer
from payments.services.refund import disbursement_route
from payments.states import OPEN_TRANSFERS, State, TransferState

REVIEW_WINDOW = timedelta(days=30)


@retried
def return_credit(
    *,
    customer_id: int,
    request_key: str = "",
    amount: int | None = None,
    by: User | None = None,
    why: str = "The customer asked for it",
) -> Transfer:
    """Send `amount` TZS of a customer's credit, or all of it, to the last number that paid.

    The same `request_key` gives the same transfer; without one, a transfer that is still under way is
    given instead of a second. More than a few in a month wait for staff. Raises NotRefundable,
    ProviderUnavailable, and IdempotencyKeyReused for a key that named another amount.
    """
    customer = User.objects.select_for_update().get(pk=customer_id)
    if earlier := _earlier(customer, request_key):
        if request_key and amount is not None and earlier.amount != amount:
            raise IdempotencyKeyReused("This Idempotency-Key was used for a different request.")
        return earlier
    credit = ledger.credit_of(customer.pk)
    asked = credit if amount is None else amount
    if not 0 < asked <= credit:
        raise NotRefundable(
            _("You have {credit:,} shillings of credit.").format(credit=credit)
            if credit > 0
            else _("You have no credit.")
        )
    paid_by = _last_paying_attempt(customer.pk)
    if paid_by is None:
        raise NotRefundable("There is no number that this credit was paid from.")
    return open_transfer(
        kind=Transfer.Kind.CREDIT,
        route=disbursement_route(paid_by.provider, paid_by.customer_phone),
        payee=customer,
        amount=asked,
        taken_from=[(ledger.credit_account(customer.pk), asked)],
        request_key=request_key or f"return:{customer.pk}:{uuid4().hex}",
        why=why,
        source=TransferEvent.Source.STAFF if by else TransferEvent.Source.CUSTOMER,
        by=by or customer,
        needs_review=by is None and _is_often(customer.pk),
    )


def _earlier(customer: User, request_key: str) -> Transfer | None:
    if request_key:
        return Transfer.objects.filter(request_key=request_key).first()
    under_way = Transfer.objects.filter(state__in=OPEN_TRANSFERS)
    return under_way.filter(kind=Transfer.Kind.CREDIT, payee=customer).first()


def _last_paying_attempt(customer_id: int) -> MobileMoneyTransaction | None:
    return (
        MobileMoneyTransaction.objects.filter(payment__payer_id=customer_id, status=State.COMPLETED)
        .order_by("-id")
        .first()
    )


def _is_often(customer_id: int) -> bool:
    """Whether the customer has had as many sent back lately as go without a look."""
    lately = Transfer.objects.filter(
        kind=Transfer.Kind.CREDIT,
        requested_by_id=customer_id,
        created_at__gt=timezone.now() - REVIEW_WINDOW,
    ).exclude(state=TransferState.REJECTED)
    return lately.count() >= TransferRules.current().returns_without_review
