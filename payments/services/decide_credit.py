"""The second pair of eyes: gives the credit that somebody else has asked for, or does not."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from common.transactions import retried
from payments.errors import NotDecidable, NotPlaceable
from payments.models import Bill, CreditRequest, Payment, StatementLine
from payments.services.place_bill import give_bill, held_bill
from payments.services.place_line import RECEIPT_USED, give_line, held_line
from payments.services.refund_to_credit import give_again, held_payment


def approve_credit(*, request_id: int, by: User, why: str) -> CreditRequest:
    """Give the credit, as it was asked for, in the transaction of the decision.

    Raises NotDecidable, also for whoever asked for it or gets it, and what stands in the way by now:
    NotPlaceable or NotRefundable.
    """
    try:
        return _approve(request_id, by, why)
    except IntegrityError as error:
        raise NotPlaceable(RECEIPT_USED) from error


@retried
def reject_credit(*, request_id: int, by: User, why: str) -> CreditRequest:
    """Leave the money where it lies. Raises NotDecidable as `approve_credit` does."""
    return _decided(_undecided(request_id, by), CreditRequest.State.REJECTED, by, why)


@retried
def _approve(request_id: int, by: User, why: str) -> CreditRequest:
    asked = _undecided(request_id, by)
    if _given(asked) != asked.amount:
        raise NotDecidable("It is of another amount by now: reject it and have it asked for again.")
    return _decided(asked, CreditRequest.State.APPROVED, by, why)


def _given(asked: CreditRequest) -> int:
    """TZS that have become credit."""
    kind, _, key = asked.subject.partition(":")
    if kind == "payment":
        payment = held_payment(Payment.objects.get(public_id=key).pk)
        return give_again(payment, asked.why)
    if kind == "bill":
        bill = held_bill(Bill.objects.get(our_id=key).pk)
        return give_bill(bill, asked.customer, asked.why, asked.asked_by).paid_amount or 0
    line = held_line(StatementLine.objects.get(pk=key).pk)
    give_line(line, asked.customer, asked.asked_by, asked.why)
    return line.amount


def _undecided(request_id: int, by: User) -> CreditRequest:
    asked = CreditRequest.objects.select_for_update().get(pk=request_id)
    if asked.state != CreditRequest.State.ASKED:
        raise NotDecidable("It was decided before.")
    if asked.asked_by_id == by.pk:
        raise NotDecidable("Somebody else has to decide: you have asked for this credit.")
    if asked.customer_id == by.pk:
        raise NotDecidable("Somebody else has to decide: this credit goes to you.")
    return asked


def _decided(asked: CreditRequest, state: CreditRequest.State, by: User, why: str) -> CreditRequest:
    asked.state, asked.decided_by, asked.decided_why = state, by, why[:255]
    asked.decided_at = timezone.now()
    asked.save(update_fields=["state", "decided_by", "decided_why", "decided_at"])
    return asked
