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
    Match,
    MobileMoneyTransaction,
    PaymentEvent,
    StatementLine,
    TransferRules,
)
from payments.providers import registry
from payments.services.decide_match import finish
from payments.services.place_bill import place_bill
from payments.services.take_bill import AMOUNT_MAX, record_payment

PLACEABLE = (Bucket.PAID_NO_ORDER, Bucket.MASKED_IDENTITY, Bucket.DUPLICATE_PAYMENT)


def place_line(*, line_id: int, customer_id: int, by: User, why: str) -> MobileMoneyTransaction:
    """Make a line's money the credit of a customer, and match the line with the payment it becomes.

    What a provider's menu has brought into suspense is taken from there. Raises NotPlaceable, also
    above the limit of four eyes: no second person could undo credit that is spent.
    """
    line = StatementLine.objects.get(pk=line_id)
    _refuse(line)
    bill = Bill.objects.filter(provider=line.provider, receipt=line.receipt).first()
    try:
        if bill is not None and bill.state == Bill.State.SUSPENSE:
            if bill.amount != line.amount:
                raise NotPlaceable(f"In suspense are {bill.amount:,} TZS of this receipt.")
            place_bill(bill_id=bill.pk, customer_id=customer_id, why=why, by=by)
        return _place(line_id, customer_id, by, why)
    except IntegrityError as error:
        raise NotPlaceable("This receipt has paid something already.") from error


def _refuse(line: StatementLine) -> None:
    if line.bucket not in PLACEABLE or line.amount <= 0 or line.kind == line.Kind.REVERSAL:
        raise NotPlaceable("This line brought no money that waits for a customer.")
    if line.amount > AMOUNT_MAX:
        raise NotPlaceable("This is more than one payment can hold.")
    limit = TransferRules.current().four_eyes_above
    if line.amount > limit:
        raise NotPlaceable(
            f"More than {limit:,} TZS are not one person's to give: match the line by hand."
        )


@retried
def _place(line_id: int, customer_id: int, by: User, why: str) -> MobileMoneyTransaction:
    line = StatementLine.objects.select_for_update().get(pk=line_id)
    _refuse(line)
    attempt = MobileMoneyTransaction.objects.filter(
        provider=line.provider, provider_transaction_id=line.receipt
    ).first()
    if attempt is not None and attempt.payment.payer_id != customer_id:
        raise NotPlaceable("This receipt has paid for somebody else already.")
    attempt = attempt or _record(line, User.objects.get(pk=customer_id), by, why)
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
