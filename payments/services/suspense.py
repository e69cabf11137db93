"""Money that nobody can place: how it gets into suspense, and out of it by itself."""

from __future__ import annotations

from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from payments import ledger
from payments.models import Bill, MobileMoneyTransaction, Payment
from payments.providers.base import Verdict


def suspend_bill(bill: Bill, why: str) -> None:
    """Save a new bill as money that we have and cannot place, in the caller's transaction."""
    bill.state = Bill.State.SUSPENSE
    bill.verdict = Verdict.UNKNOWN_REFERENCE
    bill.why = why
    bill.save()
    ledger.post(
        source=f"suspense:{bill.our_id}",
        memo=f"{bill.get_provider_display()} {bill.receipt}",
        lines=[
            (ledger.collection_account(bill.provider), bill.amount),
            (ledger.suspense_account(bill.provider), -bill.amount),
        ],
    )
    open_case(
        kind=CaseKind.UNPLACED_MONEY,
        subject=bill.subject,
        amount=bill.amount,
        detail=f"receipt {bill.receipt}, reference {bill.bill_reference or 'none'}: {why}",
    )


def claim_suspended(payment: Payment, attempt: MobileMoneyTransaction) -> int:
    """Take the bill with the attempt's receipt out of suspense; returns its TZS, 0 when there is none.

    A push raises a bill's confirmation too, without a reference where a till was paid: the caller posts
    from suspense what was collected there already. It has saved the receipt, in this transaction, so
    that one of two who bring the news at once sees the other's row or waits for it.
    """
    suspended = Bill.objects.select_for_update().filter(
        provider=attempt.provider,
        receipt=attempt.provider_transaction_id or "",
        state=Bill.State.SUSPENSE,
    )
    found = suspended.values_list("pk").first()
    if found is None:
        return 0
    bill = Bill.objects.get(pk=found[0])
    bill.state = Bill.State.PLACED
    bill.payment = payment
    bill.payer_id = payment.payer_id
    bill.save()
    resolve_by_itself(
        kind=CaseKind.UNPLACED_MONEY,
        subject=bill.subject,
        resolution=f"it is the collection of payment {payment.public_id}",
    )
    return bill.amount
