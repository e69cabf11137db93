"""Gives a payment that was made wholly from credit back to that credit: no money leaves."""

from __future__ import annotations

from common.transactions import retried
from notifications.services import queue_message
from payments import hooks, ledger
from payments.errors import NotRefundable
from payments.models import Disposition, Entry, Payment
from payments.selectors import payment_for_update
from payments.services.refund import lock_payer, what_can_go_back


@retried
def refund_to_credit(*, payment_id: int, why: str) -> int:
    """Make what credit has paid credit again, wherever it lies now, and end what it bought.

    Returns TZS; asked again, the same. Nothing is to be approved: whoever wants that credit sent to a
    phone asks for a transfer. Raises NotRefundable.
    """
    lock_payer(payment_id)
    payment = payment_for_update(payment_id)
    credit = ledger.credit_account(payment.payer_id)
    source = f"credit-again:{payment.public_id}"
    if earlier := Entry.objects.filter(posting__source=source, account=credit).first():
        return -earlier.amount
    amount = creditable(payment)
    if not amount:
        raise NotRefundable(
            "Only what credit alone has paid for, and still pays for, can be credit."
        )
    ledger.post(
        source=source,
        memo=why[:255],
        payment=payment,
        lines=[*_sold(payment).items(), (credit, -amount)],
    )
    hooks.withdrawn.notify(payment)
    if payment.payer.phone:
        queue_message(
            message_id="payment_credit_again",
            to=payment.payer.phone,
            language=payment.payer.language,
            context={"amount": amount},
            key=f"payment_credit_again:{payment.public_id}",
        )
    return amount


def creditable(payment: Payment) -> int:
    """How much of a payment could become credit again now, TZS; 0 when a phone has paid of it."""
    is_from_credit = payment.payment_method == Payment.CREDIT
    if not is_from_credit or payment.disposition != Disposition.FULFILLED:
        return 0
    try:
        return sum(_sold(payment).values())
    except NotRefundable:
        return 0


def _sold(payment: Payment) -> dict[str, int]:
    """Account → TZS, of what others hold. Raises NotRefundable."""
    credit = ledger.credit_account(payment.payer_id)
    lies = what_can_go_back(payment)
    return {account: held for account, held in lies.items() if account != credit}
