"""A customer asks for a payment back: granted at once where nothing was used, else staff decide."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from bundles.models import Activation, Gift, Purchase, Terms
from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common.errors import DomainError
from common.transactions import retried
from notifications.services import queue_message
from payments.models import Payment, Transfer
from payments.services.refund import refund_payment, refundable
from storefront.errors import AlreadyDecided, NotAskable
from storefront.models import RefundRequest
from vpn.models import Connection

State = RefundRequest.State
# More than these in that time are looked at (reliability.md, section 5).
GRANTED_BY_ITSELF = 2
WITHIN = timedelta(days=30)
UNTOUCHED = "Nothing of it was used."


def ask_refund(*, payment: Payment, customer: User, why: str) -> RefundRequest:
    """Ask for a payment of the customer's own; one that waits for a decision is given again.

    What was never connected nor used, and is younger than the refund window, goes back by itself.
    Raises NotAskable.
    """
    request = _asked(payment, customer, why)
    if not (_is_untouched(payment) and _few_lately(customer)):
        return request
    try:
        return _send_back(request, amount=None, by=None, why=UNTOUCHED)
    except DomainError:  # it cannot be sent now: staff see to it
        return request


def grant(*, request_id: int, amount: int, by: User, why: str) -> RefundRequest:
    """Send `amount` TZS back; what was bought ends. Raises AlreadyDecided and what a refund raises."""
    request = RefundRequest.objects.select_related("payment", "customer").get(pk=request_id)
    if request.state != State.ASKED:
        raise AlreadyDecided("It was decided before.")
    return _send_back(request, amount=amount, by=by, why=why)


@retried
def decline(*, request_id: int, by: User, why: str) -> RefundRequest:
    """Refuse, with a reason that the customer reads. Raises AlreadyDecided."""
    request = _undecided(request_id)
    if Transfer.objects.filter(request_key=_key(request)).exists():
        raise AlreadyDecided("It was decided before.")
    return _decide(request, State.DECLINED, by, why, transfer=None)


def _asked(payment: Payment, customer: User, why: str) -> RefundRequest:
    try:
        return _ask(payment, customer, why)
    except IntegrityError:  # pressed twice at once
        return RefundRequest.objects.get(open_payment=payment.pk)


@retried
def _ask(payment: Payment, customer: User, why: str) -> RefundRequest:
    if waiting := RefundRequest.objects.filter(open_payment=payment.pk).first():
        return waiting
    left = refundable(payment)
    if not left:
        raise NotAskable("Nothing of this payment can go back.")
    request = RefundRequest.objects.create(payment=payment, customer=customer, why=why)
    open_case(
        kind=CaseKind.REFUND_ASKED,
        subject=payment_subject(payment),
        amount=left,
        detail=why,
        customer_waits=True,
    )
    return request


def _send_back(
    request: RefundRequest, *, amount: int | None, by: User | None, why: str
) -> RefundRequest:
    """Two transactions: the transfer's key tells the second one that the first has happened.

    A part of the price of a gift that waits to be claimed leaves it waiting: nothing of it is used.
    """
    gift = _gift(request.payment)
    transfer = refund_payment(
        payment_id=request.payment_id,
        request_key=_key(request),
        why=f"Asked for: {request.why}",
        amount=amount,
        by=by,
        ends_service=gift is None or gift.state != Gift.State.OFFERED,
    )
    return _note_grant(request.pk, by, why, transfer)


@retried
def _note_grant(request_id: int, by: User | None, why: str, transfer: Transfer) -> RefundRequest:
    return _decide(_undecided(request_id), State.GRANTED, by, why, transfer)


def _undecided(request_id: int) -> RefundRequest:
    """The request, locked. Raises AlreadyDecided."""
    locked = RefundRequest.objects.select_for_update().select_related("payment", "customer")
    request = locked.get(pk=request_id)
    if request.state != State.ASKED:
        raise AlreadyDecided("It was decided before.")
    return request


def _decide(
    request: RefundRequest,
    state: RefundRequest.State,
    by: User | None,
    why: str,
    transfer: Transfer | None,
) -> RefundRequest:
    request.state, request.transfer = state, transfer
    request.decision, request.decided_by, request.decided_at = why[:255], by, timezone.now()
    request.save()
    resolve_by_itself(
        kind=CaseKind.REFUND_ASKED,
        subject=payment_subject(request.payment),
        resolution=f"{request.get_state_display()}: {why}",
    )
    if request.customer.phone:
        queue_message(
            message_id=f"refund_{state}",
            to=request.customer.phone,
            language=request.customer.language,
            context={"why": why, "amount": transfer.amount if transfer else 0},
            key=f"refund_request:{request.pk}",
        )
    return request


def _is_untouched(payment: Payment) -> bool:
    """Whether what it bought is young, was never connected to nor used, and given to nobody."""
    if not payment.subject:
        return False
    bought = Activation.objects.filter(purchase=Purchase.id_from(payment.subject))
    activation = bought.select_related("subscription").first()
    if activation is None or activation.subscription.data_used_bytes:
        return False
    given = activation.subscription.gifts_given.exclude(state=Gift.State.RETURNED)
    if given.exists() or _gift(payment) is not None:
        return False
    window = timedelta(days=Terms.current().refund_window_days)
    connections = Connection.objects.filter(peer__subscription=activation.subscription_id)
    return activation.created_at > timezone.now() - window and not connections.exists()


def _gift(payment: Payment) -> Gift | None:
    """What the payment has bought for somebody else."""
    if not payment.subject:
        return None
    return Gift.objects.filter(purchase=Purchase.id_from(payment.subject)).first()


def _few_lately(customer: User) -> bool:
    lately = RefundRequest.objects.filter(
        customer=customer,
        state=State.GRANTED,
        decided_by=None,
        decided_at__gt=timezone.now() - WITHIN,
    )
    return lately.count() < GRANTED_BY_ITSELF


def _key(request: RefundRequest) -> str:
    return f"asked:{request.pk}"


def payment_subject(payment: Payment) -> str:
    """How cases name a payment."""
    return f"payment:{payment.public_id}"
