"""Above the limit of four eyes nobody gives credit alone: it is asked for, and somebody else decides."""

from __future__ import annotations

from accounts.models import User
from payments.models import CreditRequest, TransferRules


def ask_if_large(
    *, subject: str, customer: User, amount: int, why: str, by: User
) -> CreditRequest | None:
    """The request that waits for a second person; None for an amount (TZS) that one person may give.

    The caller holds the row that the money lies on. Asked twice, it is asked once.
    """
    if amount <= TransferRules.current().four_eyes_above:
        return None
    asked = CreditRequest.objects.filter(subject=subject, state=CreditRequest.State.ASKED).first()
    return asked or CreditRequest.objects.create(
        subject=subject, customer=customer, amount=amount, why=why[:255], asked_by=by
    )
