"""Places money that a customer names the receipt of, where the evidence leaves no choice; else staff do.

The claim itself proves nothing. Phone, amount and time are what the provider has told, the phone is
proved to be the customer's, and exactly one thing that the customer wanted to pay fits.
"""

from __future__ import annotations

from datetime import timedelta

from common import phone as phones
from payments.models import (
    MatchingRules,
    MobileMoneyTransaction,
    Payment,
    ReceiptClaim,
    TransferRules,
)
from payments.providers.base import Answer, Outcome
from payments.services.claims.candidates import candidates
from payments.services.claims.tell import find, give_to_staff
from payments.services.claims.unplaced import Money
from payments.services.settle import settle


def place(*, claim: ReceiptClaim, money: Money, tells: bool = True) -> None:
    """Settle the one payment that the money can be of, or leave it to staff with what speaks for it."""
    possible = candidates(claim)
    trouble, attempt = _only_fit(claim, money, possible)
    if attempt is not None:
        settle(
            attempt_id=attempt.pk,
            answer=Answer(
                outcome=Outcome.SUCCEEDED,
                code="receipt",
                receipt=money.receipt,
                amount=money.amount,
                msisdn=phones.msisdn(money.phone),
            ),
            source=money.source,
            evidence=f"{money.evidence}; claim {claim.pk} names its receipt",
            delivery_id=money.delivery_id,
        )
        attempt.refresh_from_db()
        if attempt.provider_transaction_id == money.receipt:
            find(claim=claim, payment=attempt.payment, tells=tells)
            return
        trouble = "it could not be settled: see the cases of this payment"
    give_to_staff(
        claim=claim,
        amount=money.amount,
        why=f"{money.evidence}: {trouble}. Possible: {_named(possible)}",
    )


def _only_fit(
    claim: ReceiptClaim, money: Money, possible: list[MobileMoneyTransaction]
) -> tuple[str, MobileMoneyTransaction | None]:
    """What keeps the money from being placed without a person, or the attempt that it is of."""
    customer = claim.customer
    if money.trouble:
        return money.trouble, None
    if not (money.phone and customer.is_phone_verified and money.phone == customer.phone):
        return "the payer's phone is not the customer's proved one", None
    if money.amount > TransferRules.current().four_eyes_above:
        return "it is above the limit of four eyes", None
    fitting = [attempt for attempt in possible if _fits(attempt, money)]
    things = {attempt.payment.subject for attempt in fitting}
    if len(things) != 1:
        return f"{len(things)} things that the customer wanted to pay fit", None
    if not money.named <= {attempt.pk for attempt in fitting}:
        return "the statement's line may be of another payment", None
    return "", fitting[0]


def _fits(attempt: MobileMoneyTransaction, money: Money) -> bool:
    """By provider, phone, amount, and the time that matching gives a payment too."""
    if money.at is None or attempt.posted_at is None:
        return False
    rules = MatchingRules.current()
    early, late = timedelta(minutes=rules.early_minutes), timedelta(hours=rules.window_hours)
    return (
        attempt.provider == money.provider
        and attempt.customer_phone == money.phone
        and _expected(attempt.payment) == money.amount
        and attempt.posted_at - early <= money.at <= attempt.posted_at + late
    )


def _expected(payment: Payment) -> int:
    return payment.asked_amount if payment.paid_amount is None else payment.paid_amount


def _named(attempts: list[MobileMoneyTransaction]) -> str:
    return (
        ", ".join(
            f"{each.payment.public_id} of {each.payment.asked_amount:,} TZS, {each.status}"
            for each in attempts
        )
        or "no payment of theirs"
    )
