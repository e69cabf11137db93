"""Acts on a final state, right after it and again by sweep until it is done.

Money that came is fulfilled or becomes the payer's credit; of money that will not come, the seller
and the customer are told. Who was served is told in a transaction after the one that serves: the
customer is online before the messages are written (ADR 0010).
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.transactions import retried
from notifications.services import queue_message
from payments import hooks, ledger
from payments.errors import CannotFulfil, PaymentError
from payments.models import Disposition, Payment
from payments.selectors import latest_attempt, live_payment, payment_for_update
from payments.services.refund import refund_payment
from payments.services.spend_credit import return_spent_credit
from payments.states import State

logger = logging.getLogger(__name__)

RETRY_SECONDS_MAX = 300
TRIES_BEFORE_CASE = 5  # a minute
TRIES_BEFORE_REFUND = 8  # eight minutes


def follow_up(*, payment_id: int) -> None:
    """Do what the payment's state asks for, if it is still to be done; safe to repeat.

    A failure of a handler is logged, kept for the sweep and, after some tries, given to staff: it
    never undoes the record of the money.
    """
    try:
        try:
            is_served = _follow_up(payment_id)
        except CannotFulfil as refusal:  # all that the handlers did is rolled back
            _give_up(payment_id, refusal)
        else:
            if is_served:
                _tell_of_service(payment_id)
    except Exception:
        logger.exception("payment %s could not be followed up", payment_id)
        if _try_later(payment_id) >= TRIES_BEFORE_REFUND:
            _refund(payment_id)


def follow_up_now(*, payment_id: int) -> bool:
    """Try at once what the sweep would try later, because a person asks. Returns whether it is served."""
    if _is_due_now(payment_id):
        follow_up(payment_id=payment_id)
    return Payment.objects.filter(pk=payment_id, disposition=Disposition.FULFILLED).exists()


@retried
def _is_due_now(payment_id: int) -> bool:
    """Make a paid payment that has bought nothing yet due; False for any other."""
    payment = payment_for_update(payment_id)
    if payment.state != State.COMPLETED or payment.disposition != Disposition.OPEN:
        return False
    payment.follow_up_at = timezone.now()
    _save(payment)
    return True


@retried
def _follow_up(payment_id: int) -> bool:
    """Returns whether what was served is still to be told."""
    payment = payment_for_update(payment_id)
    if payment.follow_up_at is None:
        return False
    if payment.disposition == Disposition.FULFILLED:
        return True
    if payment.state == State.COMPLETED:
        _fulfil(payment)
    elif payment.state in (State.FAILED, State.EXPIRED):
        _close(payment)
    is_served = payment.disposition == Disposition.FULFILLED
    if not is_served:
        payment.follow_up_at = None
    _save(payment)
    return is_served


def _fulfil(payment: Payment) -> None:
    if payment.disposition != Disposition.OPEN:
        return
    missing = payment.amount - payment.covered
    if missing > 0:
        _credit(payment, CaseKind.UNDERPAID, f"{missing} TZS are missing")
        _tell(payment, "payment_underpaid", {"amount": payment.covered, "missing": missing})
        return
    hooks.completed.notify(payment)
    payment.disposition = Disposition.FULFILLED
    payment.fulfilled_at = timezone.now()
    if missing < 0:
        _move_to_credit(payment, -missing, "more was paid than asked")


@retried
def _tell_of_service(payment_id: int) -> None:
    """Put what the customer is told into the outbox, once; a reversal in between has ended that."""
    payment = payment_for_update(payment_id)
    if payment.follow_up_at is None:
        return
    if payment.disposition == Disposition.FULFILLED:
        hooks.fulfilled.notify(payment)
    payment.follow_up_at = None
    _save(payment)


@retried
def _give_up(payment_id: int, refusal: CannotFulfil) -> None:
    """Make a refused payment credit, unless somebody has acted on it since the refusal."""
    payment = payment_for_update(payment_id)
    if payment.follow_up_at is None or payment.disposition != Disposition.OPEN:
        return
    _credit(payment, refusal.case_kind, str(refusal))
    _tell(payment, "payment_late_credit", {"amount": payment.covered})
    payment.follow_up_at = None
    _save(payment)


def _save(payment: Payment) -> None:
    payment.save(
        update_fields=["disposition", "from_credit", "fulfilled_at", "follow_up_at", "updated_at"]
    )


def _credit(payment: Payment, case_kind: str, why: str) -> None:
    """Give the purchase up: all that was paid is the payer's credit."""
    payment.disposition = Disposition.CREDITED
    if payment.covered:
        _move_to_credit(payment, payment.covered, why)
    open_case(kind=case_kind, subject=_subject(payment), amount=payment.covered, detail=why)
    hooks.given_up.notify(payment)


def _move_to_credit(payment: Payment, amount: int, why: str) -> None:
    ledger.post(
        source=f"credit:{payment.public_id}",
        memo=why,
        payment=payment,
        lines=[
            (ledger.RECEIPTS, amount),
            (ledger.credit_account(payment.payer_id), -amount),
        ],
    )


def _close(payment: Payment) -> None:
    return_spent_credit(payment)
    if live_payment(payment.subject) is None:
        hooks.closed.notify(payment)
    _tell(payment, "payment_failed", {"reason": payment.reason or "no_answer"})


def _tell(payment: Payment, message_id: str, context: dict[str, object]) -> None:
    attempt = latest_attempt(payment)
    phone = payment.payer.phone or (attempt.customer_phone if attempt else None)
    if not phone:
        return
    queue_message(
        message_id=message_id,
        to=phone,
        language=payment.payer.language,
        context=context,
        key=f"{message_id}:{payment.public_id}",
    )


@retried
def _try_later(payment_id: int) -> int:
    """Returns how often it was tried, 0 when it is done by now."""
    payment = payment_for_update(payment_id)
    if payment.follow_up_at is None:
        return 0
    payment.follow_up_tries += 1
    wait = min(2**payment.follow_up_tries, RETRY_SECONDS_MAX)
    payment.follow_up_at = timezone.now() + timedelta(seconds=wait)
    payment.save()
    if payment.follow_up_tries >= TRIES_BEFORE_CASE:
        open_case(
            kind=CaseKind.FULFILMENT_FAILED,
            subject=_subject(payment),
            amount=payment.paid_amount or 0,
            detail=f"tried {payment.follow_up_tries} times; still trying",
        )
    return payment.follow_up_tries


def _refund(payment_id: int) -> None:
    """Who has paid and cannot be served gets the money back; where it cannot be sent, staff have it.

    What credit has paid for, in part or wholly, becomes credit again.
    """
    payment = Payment.objects.select_related("payer").get(pk=payment_id)
    if payment.state != State.COMPLETED or payment.disposition != Disposition.OPEN:
        return
    if payment.from_credit:
        _give_up(
            payment_id,
            CannotFulfil("it could not be activated", case_kind=CaseKind.FULFILMENT_FAILED),
        )
        return
    try:
        refund_payment(
            payment_id=payment_id,
            request_key=f"unfulfilled:{payment.public_id}",
            why="what was paid for could not be activated",
        )
    except PaymentError as refusal:
        logger.warning("payment %s cannot be refunded: %s", payment.public_id, refusal)
        return
    _tell(payment, "payment_refunding", {"amount": payment.paid_amount or 0})


def _subject(payment: Payment) -> str:
    return f"payment:{payment.public_id}"
