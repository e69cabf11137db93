"""Gives a payment that was made wholly from credit back to that credit: no money leaves."""

from __future__ import annotations

from accounts.models import User
from common.transactions import retried
from notifications.services import queue_message
from payments import hooks, ledger
from payments.errors import NotRefundable
from payments.models import CreditRequest, Disposition, Entry, Payment
from payments.selectors import payment_for_update
from payments.services.ask_for_credit import ask_if_large
from payments.services.refund import lock_payer, what_can_go_back


@retried
def refund_to_credit(*, payment_id: int, why: str, by: User) -> int | CreditRequest:
    """Make what credit has paid credit again, wherever it lies now, and end what it bought.

    Returns TZS; asked again, the same. Above the limit of four eyes it is only asked for, and what it
    bought goes on until a second person has approved it. Raises NotRefundable.
    """
    payment = held_payment(payment_id)
    if earlier := _given_before(payment):
        return earlier
    asked = ask_if_large(
        subject=f"payment:{payment.public_id}",
        customer=payment.payer,
        amount=creditable(payment),
        why=why,
        by=by,
    )
    return asked or give_again(payment, why)


def held_payment(payment_id: int) -> Payment:
    """The payment, locked after its payer."""
    lock_payer(payment_id)
    return payment_for_update(payment_id)


def give_again(payment: Payment, why: str) -> int:
    """The same for a held payment, in the caller's transaction, whatever the amount; TZS."""
    amount = creditable(payment)
    if not amount:
        raise NotRefundable(
            "Only what credit alone has paid for, and still pays for, can be credit."
        )
    sold_to_credit(payment, why)
    if payment.payer.phone:
        queue_message(
            message_id="payment_credit_again",
            to=payment.payer.phone,
            language=payment.payer.language,
            context={"amount": amount},
            key=f"payment_credit_again:{payment.public_id}",
        )
    return amount


def sold_to_credit(payment: Payment, why: str) -> int:
    """Make all that the sellers hold of a held payment the payer's credit, whoever has paid it, and end
    what it bought, in the caller's transaction; TZS. Raises NotRefundable.
    """
    sold = _sold(payment)
    amount = sum(sold.values())
    ledger.post(
        source=_source(payment),
        memo=why[:255],
        payment=payment,
        lines=[*sold.items(), (ledger.credit_account(payment.payer_id), -amount)],
    )
    hooks.withdrawn.notify(payment)
    return amount


def _given_before(payment: Payment) -> int:
    credit = ledger.credit_account(payment.payer_id)
    earlier = Entry.objects.filter(posting__source=_source(payment), account=credit).first()
    return -earlier.amount if earlier else 0


def _source(payment: Payment) -> str:
    return f"credit-again:{payment.public_id}"


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
