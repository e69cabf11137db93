"""Places money that a customer names the receipt of, where the evidence leaves no choice; else staff do.

The claim itself proves nothing. Phone, amount and time are what the provider has told, the phone is
proved to be the customer's, and exactly one thing that the customer wanted to pay fits.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from common import phone as phones
from payments.models import (
    MatchingRules,
    MobileMoneyTransaction,
    Payment,
    ReceiptClaim,
    TransferRules,
)
from payments.providers.base import Answer, Outcome
from payments.services.claims.tell import find, give_to_staff
from payments.services.claims.unplaced import Money
from payments.services.settle import settle
from payments.states import State

LOOK_BACK = timedelta(days=7)  # as long as a provider is asked about a payment
CANDIDATES_MOST = 20


def candidates(claim: ReceiptClaim) -> list[MobileMoneyTransaction]:
    """The customer's late payments that the receipt can be of, the latest first.

    Those that are not paid, unless what they were for is paid by another; and those that are paid and
    have no receipt yet.
    """
    late = list(
        MobileMoneyTransaction.objects.select_related("payment")
        .filter(
            payment__payer=claim.customer_id,
            provider__in=claim.providers,
            created_at__gt=timezone.now() - LOOK_BACK,
            posted_at__isnull=False,
        )
        .order_by("-id")[:CANDIDATES_MOST]
    )
    paid = [attempt for attempt in late if attempt.status == State.COMPLETED]
    served = {attempt.payment.subject for attempt in paid}
    return [
        attempt
        for attempt in late
        if (attempt not in paid and attempt.payment.subject not in served)
        or (attempt in paid and not attempt.provider_transaction_id)
    ]


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
