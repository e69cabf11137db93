"""Undoes the taking of a transfer's money, of which is certain that it did not leave."""

from __future__ import annotations

from django.db.models import Sum

from accounts.models import User
from cases.models import CaseKind
from cases.services import open_case
from payments import ledger
from payments.models import Disposition, Entry, Payment, Posting, Transfer, TransferEvent
from payments.services.transfer_record import record_transfer_move
from payments.states import TransferState


def reject(
    transfer: Transfer, *, source: TransferEvent.Source, why: str, by: User | None = None
) -> None:
    """End a locked transfer that has not been sent; its money lies where it came from again."""
    record_transfer_move(transfer, TransferState.REJECTED, source=source, evidence=why, by=by)
    give_money_back(transfer, why)
    if _is_owed(transfer):
        open_case(
            kind=CaseKind.TRANSFER_FAILED,
            subject=f"transfer:{transfer.reference}",
            amount=transfer.amount,
            detail=f"rejected: {why}; the customer has neither the money nor what it was paid for",
        )


def give_money_back(transfer: Transfer, why: str) -> None:
    """Post a locked transfer's money to where it came from.

    Credit that a full refund gave back besides was never on its way: it may be spent by now, and stays.
    Where the provider has reversed the payment meanwhile, the platform has borne what it had lost by
    then: it is repaid, and what is more was paid from the customer's credit.
    """
    started = Posting.objects.get(source=f"transfer-started:{transfer.reference}")
    taken = {entry.account: entry.amount for entry in started.entries.all() if entry.amount > 0}
    lines = [
        (ledger.transfer_account(transfer), transfer.amount),
        *((account, -part) for account, part in ledger.in_proportion(taken, transfer.amount)),
    ]
    payment = transfer.payment
    if payment is not None and payment.reversed_at is not None:
        repaid = min(transfer.amount, _loss(payment))
        lines = [
            (ledger.transfer_account(transfer), transfer.amount),
            (ledger.REVENUE, -repaid),
            (ledger.credit_account(payment.payer_id), repaid - transfer.amount),
        ]
    ledger.post(
        source=f"transfer-undone:{transfer.reference}",
        memo=why[:255],
        payment=payment,
        transfer=transfer,
        lines=lines,
    )
    if payment is not None:
        _be_credit_again(payment)


def _loss(payment: Payment) -> int:
    """What the reversal of a payment has cost the platform so far, TZS.

    Until it is booked, everything goes by the platform: the booking finds it there.
    """
    if not payment.postings.filter(source__startswith="reversal:").exists():
        return payment.covered
    total: int | None = (
        Entry.objects.filter(posting__payment=payment)
        .exclude(account__startswith="provider:")
        .exclude(account__startswith="transfer:")
        .exclude(account__startswith="credit:")
        .aggregate(total=Sum("amount"))["total"]
    )
    return max(total or 0, 0)


def _be_credit_again(payment: Payment) -> None:
    """Credit that was not sent back after all is what it was."""
    is_credit = ledger.credit_account(payment.payer_id) in ledger.lies_on(payment)
    if payment.disposition == Disposition.REFUNDED and is_credit:
        payment.disposition = Disposition.CREDITED
        payment.save(update_fields=["disposition", "updated_at"])


def _is_owed(transfer: Transfer) -> bool:
    """Whether the payment buys nothing any more, or what it had bought ended with the transfer."""
    payment = transfer.payment
    if payment is None or payment.reversed_at is not None:
        return False
    if payment.disposition == Disposition.FULFILLED:
        is_whole = sum(ledger.lies_on(payment).values()) == transfer.amount
        return is_whole or transfer.ends_service
    return payment.disposition == Disposition.REFUNDED
