"""Staff give money in suspense to the customer who has paid it: as credit."""

from __future__ import annotations

from accounts.models import User
from cases.models import Case, CaseKind
from cases.services import resolve_case
from common.transactions import retried
from payments import ledger
from payments.bills import Payable
from payments.errors import NotPlaceable
from payments.models import Bill, Payment, PaymentEvent
from payments.services.take_bill import AMOUNT_MAX, record_payment


@retried
def place_bill(*, bill_id: int, customer_id: int, why: str, by: User) -> Payment:
    """Move a suspended bill's money to a customer's credit and close its case with the reason.

    Raises NotPlaceable for a bill that is not in suspense, any more or at all.
    """
    bill = Bill.objects.select_for_update().get(pk=bill_id)
    if bill.state != Bill.State.SUSPENSE:
        raise NotPlaceable("This money is not in suspense.")
    if bill.amount > AMOUNT_MAX:
        raise NotPlaceable("This is more than one payment can hold.")
    customer = User.objects.get(pk=customer_id)
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
