"""A customer's credit pays for an order, wholly or in part; what is not used comes back."""

from __future__ import annotations

from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from common.queue import hurry_on_commit
from payments import ledger
from payments.models import Entry, Payment, PaymentEvent
from payments.states import State


def credit_towards(*, payer: User, amount: int, least_left: int) -> int:
    """How much of an amount (TZS) the payer's credit covers, inside the transaction that holds the
    payer's row. What is left to pay is nothing, or no less than a provider takes.
    """
    usable = min(max(ledger.credit_of(payer.pk), 0), amount)
    if usable < amount:
        usable = min(usable, amount - least_left)
    return max(usable, 0)


def spend_credit(payment: Payment) -> None:
    """Post what a new payment takes from its payer's credit."""
    if payment.from_credit:
        ledger.post(
            source=f"credit-spent:{payment.public_id}",
            memo="credit pays for an order",
            payment=payment,
            lines=[
                (ledger.credit_account(payment.payer_id), payment.from_credit),
                (ledger.RECEIPTS, -payment.from_credit),
            ],
        )


def asked_of_phone(payment: Payment) -> int:
    """What the phone was asked for, TZS: also of a payment whose credit has gone back meanwhile."""
    spent: int | None = Entry.objects.filter(
        posting__source=f"credit-spent:{payment.public_id}", account=ledger.RECEIPTS
    ).aggregate(total=Sum("amount"))["total"]
    return payment.amount + (spent or 0)


def return_spent_credit(payment: Payment) -> None:
    """Give the credit of a locked payment back that came to nothing; the caller saves the payment."""
    if payment.from_credit:
        ledger.post(
            source=f"credit-unspent:{payment.public_id}",
            memo="the order was not paid",
            payment=payment,
            lines=[
                (ledger.RECEIPTS, payment.from_credit),
                (ledger.credit_account(payment.payer_id), -payment.from_credit),
            ],
        )
        payment.from_credit = 0


def pay_from_credit(
    *, payer: User, subject: str, amount: int, evidence: str = "paid from credit"
) -> Payment:
    """A payment made wholly from credit: no provider is asked, its posting completes it.

    The caller holds the payer's row and has seen that the credit covers the amount (TZS).
    """
    now = timezone.now()
    payment = Payment.objects.create(
        payer=payer,
        subject=subject,
        amount=amount,
        payment_method=Payment.CREDIT,
        state=State.COMPLETED,
        paid_amount=0,
        from_credit=amount,
        paid_at=now,
        follow_up_at=now,
    )
    PaymentEvent.objects.create(
        payment=payment,
        to_state=State.COMPLETED,
        source=PaymentEvent.Source.CUSTOMER,
        evidence=evidence,
    )
    spend_credit(payment)
    from payments.tasks import follow_up

    hurry_on_commit(follow_up, payment.pk)
    return payment
