"""Staff give money that a statement tells of, and nobody ordered, to its customer: as credit."""

from __future__ import annotations

from django.db import IntegrityError

from accounts.models import User
from common.transactions import retried
from payments import ledger
from payments.bills import Payable
from payments.errors import NotPlaceable
from payments.models import (
    Bill,
    Bucket,
    CreditRequest,
    Match,
    MobileMoneyTransaction,
    PaymentEvent,
    StatementLine,
)
from payments.providers import registry
from payments.services.ask_for_credit import ask_if_large
from payments.services.decide_match import finish
from payments.services.match.exceptions import LINE
from payments.services.place_bill import give_bill, held_bill
from payments.services.take_bill import AMOUNT_MAX, record_payment

RECEIPT_USED = "This receipt has paid something already."
PLACEABLE = (Bucket.PAID_NO_ORDER, Bucket.MASKED_IDENTITY, Bucket.DUPLICATE_PAYMENT)


def place_line(
    *, line_id: int, customer_id: int, by: User, why: str
) -> MobileMoneyTransaction | CreditRequest:
    """Make a line's money the credit of a customer, and match the line with the payment it becomes.

    What a provider's menu has brought into suspense is taken from there. Above the limit of four eyes
    it is only asked for: nobody could undo credit that is spent. Raises NotPlaceable.
    """
    try:
        return _place(line_id, customer_id, by, why)
    except IntegrityError as error:
        raise NotPlaceable(RECEIPT_USED) from error


@retried
def _place(
    line_id: int, customer_id: int, by: User, why: str
) -> MobileMoneyTransaction | CreditRequest:
    line, customer = held_line(line_id), User.objects.get(pk=customer_id)
    asked = ask_if_large(
        subject=f"{LINE}{line.pk}", customer=customer, amount=line.amount, why=why, by=by
    )
    return asked or give_line(line, customer, by, why)


def held_line(line_id: int) -> StatementLine:
    """The line, locked, of money that waits for a customer. Raises NotPlaceable."""
    line = StatementLine.objects.select_for_update().get(pk=line_id)
    if line.bucket not in PLACEABLE or line.amount <= 0 or line.kind == line.Kind.REVERSAL:
        raise NotPlaceable("This line brought no money that waits for a customer.")
    if line.amount > AMOUNT_MAX:
        raise NotPlaceable("This is more than one payment can hold.")
    return line


def give_line(line: StatementLine, customer: User, by: User, why: str) -> MobileMoneyTransaction:
    """Make a held line's money credit, in the caller's transaction, whatever the amount."""
    _take_from_suspense(line, customer, by, why)
    attempt = MobileMoneyTransaction.objects.filter(
        provider=line.provider, provider_transaction_id=line.receipt
    ).first()
    if attempt is not None and attempt.payment.payer_id != customer.pk:
        raise NotPlaceable("This receipt has paid for somebody else already.")
    attempt = attempt or _record(line, customer, by, why)
    Match.objects.create(
        line=line,
        attempt=attempt,
        rule=Match.Rule.STAFF,
        state=Match.State.CONFIRMED,
        why=why[:255],
        by=by,
    )
    finish(line, Bucket.MATCHED, by, why)
    return attempt


def _take_from_suspense(line: StatementLine, customer: User, by: User, why: str) -> None:
    """What the provider's menu has told of the same money, if it has."""
    bill = Bill.objects.filter(
        provider=line.provider, receipt=line.receipt, state=Bill.State.SUSPENSE
    ).first()
    if bill is None:
        return
    if bill.amount != line.amount:
        raise NotPlaceable(f"In suspense are {bill.amount:,} TZS of this receipt.")
    give_bill(held_bill(bill.pk), customer, why, by)


def _record(line: StatementLine, customer: User, by: User, why: str) -> MobileMoneyTransaction:
    """The same rows and postings as of a bill; the statement alone tells of this one."""
    money = Bill(
        provider=line.provider,
        dialect=next(each.name for each in registry.DIALECTS if each.provider == line.provider),
        receipt=line.receipt,
        msisdn=line.msisdn.removeprefix("+") if line.msisdn.removeprefix("+").isdigit() else "",
        amount=line.amount,
    )
    _, attempt = record_payment(
        bill=money,
        payable=Payable(payer_id=customer.pk, name=customer.short_name),
        taken_from=ledger.collection_account(line.provider),
        source=PaymentEvent.Source.STATEMENT,
        evidence=f"line {line.pk}, placed by {by}: {why}",
    )
    return attempt
