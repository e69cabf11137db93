"""Staff give money in suspense to the customer who has paid it: as credit."""

from __future__ import annotations

from accounts.models import User
from cases.models import Case, CaseKind
from cases.services import resolve_case
from common.transactions import retried
from payments import ledger
from payments.bills import Payable
from payments.errors import NotPlaceable
from payments.models import Bill, CreditRequest, Payment, PaymentEvent
from payments.services.ask_for_credit import ask_if_large
from payments.services.take_bill import AMOUNT_MAX, record_payment


@retried
def place_bill(*, bill_id: int, customer_id: int, why: str, by: User) -> Payment | CreditRequest:
    """Move a suspended bill's money to a customer's credit and close its case with the reason.

    Above the limit of four eyes it is only asked for. Raises NotPlaceable for a bill that is not in
    suspense, any more or at all.
    """
    bill, customer = held_bill(bill_id), User.objects.get(pk=customer_id)
    asked = ask_if_large(
        subject=bill.subject, customer=customer, amount=bill.amount, why=why, by=by
    )
    return asked or give_bill(bill, customer, why, by)


def held_bill(bill_id: int) -> Bill:
    """The bill, locked and in suspense. Raises NotPlaceable."""
    bill = Bill.objects.select_for_update().get(pk=bill_id)
    if bill.state != Bill.State.SUSPENSE:
        raise NotPlaceable("This money is not in suspense.")
    if bill.amount > AMOUNT_MAX:
        raise NotPlaceable("This is more than one payment can hold.")
    return bill


def give_bill(bill: Bill, customer: User, why: str, by: User) -> Payment:
    """Make a held bill's money credit, in the caller's transaction, whatever the amount."""
    payment, _ = record_payment(
        bill=bill,
        payable=Payable(payer_id=customer.pk, name=customer.short_name),
        taken_from=ledger.suspense_account(bill.provider),
        source=PaymentEvent.Source.STAFF,
        evidence=f"placed by {by}: {why}",
    )
    bill.state = Bill.State.PLACED
    bill.payment = payment
    bill.payer = customer
    bill.save()
    case = Case.objects.filter(
        kind=CaseKind.UNPLACED_MONEY, subject=bill.subject, state=Case.State.OPEN
    ).first()
    if case is not None:
        resolve_case(case=case, resolution=why, owner_id=by.pk)
    return payment
