"""Which of a customer's own payments a named receipt can be of, and whether their provider can tell."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from payments.models import MobileMoneyTransaction, ReceiptClaim
from payments.providers import registry
from payments.states import State

LOOK_BACK = timedelta(days=7)  # as long as a provider is asked about a payment
CANDIDATES_MOST = 20
ASKS_MOST = 3
ASK_AGAIN_AFTER = timedelta(minutes=15)  # an answer that comes by callback has come by then


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


def dialects_to_ask(claim: ReceiptClaim) -> list[str]:
    """The candidates' dialects that can be asked by a receipt."""
    names = sorted({attempt.dialect for attempt in candidates(claim)})
    return [name for name in names if registry.by_dialect(name).description.can_query_receipt]


def provider_may_tell(claim: ReceiptClaim) -> bool:
    """Whether the provider is still to be asked by the receipt, or is about to answer."""
    is_waited_for = claim.asked_at is not None and claim.asked_at > timezone.now() - ASK_AGAIN_AFTER
    return (claim.asks < ASKS_MOST or is_waited_for) and bool(dialects_to_ask(claim))
