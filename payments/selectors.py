"""Reads of payments; the only place that locks their rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from payments.bills import Payable
from payments.errors import ClaimNotFound
from payments.models import (
    Bill,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    ProviderSwitch,
    ReceiptClaim,
    Transfer,
    WebhookDelivery,
)
from payments.states import LIVE, OPEN_TRANSFERS, State


def payment_for_update(payment_id: int) -> Payment:
    """The payment, locked until the transaction ends. Lock it before what it bought."""
    return Payment.objects.select_for_update().get(pk=payment_id)


def attempt_for_update(attempt_id: int) -> MobileMoneyTransaction:
    """The attempt and its `payment`, both rows locked until the transaction ends."""
    return (
        MobileMoneyTransaction.objects.select_for_update()
        .select_related("payment")
        .defer("api_request", "api_response")
        .get(pk=attempt_id)
    )


def transfer_for_update(transfer_id: int) -> Transfer:
    """The transfer and, before it, the `payment` it belongs to: locked until the transaction ends."""
    found: tuple[int | None] = Transfer.objects.values_list("payment").get(pk=transfer_id)
    payment = None if found[0] is None else payment_for_update(found[0])
    transfer = Transfer.objects.select_for_update().get(pk=transfer_id)
    transfer.payment = payment
    return transfer


def has_open_transfer(payment: Payment) -> bool:
    """Whether money of this payment is on its way back; true for at most one."""
    return Transfer.objects.filter(open_payment=payment.pk).exists()


def live_payment(subject: str) -> Payment | None:
    """The payment for this subject that may still be paid, if there is one."""
    return Payment.objects.filter(live_subject=subject).first()


def payment_under_way(subject: str) -> Payment | None:
    """The payment for this subject that may still be paid, or is paid and has bought nothing yet."""
    is_unserved = Q(state=State.COMPLETED, disposition=Disposition.OPEN)
    found = Payment.objects.filter(is_unserved | Q(state__in=LIVE), subject=subject)
    return found.order_by("-id").first()


def switch_of(provider: str) -> ProviderSwitch | None:
    """What staff let the provider be used for; None where nobody has ever said so: for all."""
    return ProviderSwitch.objects.filter(provider=provider).first()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a customer can hold a payment by: the provider's receipt, or ours until it is known."""

    number: str
    phone: str


def receipt_of(payment: Payment) -> Receipt:
    """The receipt of the payment's attempt; an empty one where no provider was asked."""
    columns = ("provider_transaction_id", "reference", "customer_phone")
    found = payment.attempts.order_by("-id").values_list(*columns).first()
    if found is None:
        return Receipt("", "")
    theirs, ours, phone = found
    return Receipt(theirs or ours, phone)


def latest_attempt(payment: Payment) -> MobileMoneyTransaction | None:
    """The payment's attempt; None for a payment made wholly from credit."""
    return payment.attempts.order_by("-id").first()


def unanswered_attempts(subject: str) -> QuerySet[MobileMoneyTransaction]:
    """Expired attempts that were posted and about which the provider has told nothing final."""
    return MobileMoneyTransaction.objects.filter(
        payment__subject=subject, status="expired", posted_at__isnull=False
    )


def payments_of(user_id: int) -> QuerySet[Payment]:
    """A person's payments, newest first, with their attempts."""
    return Payment.objects.filter(payer_id=user_id).prefetch_related("attempts").order_by("-id")


def transfers_to(user_id: int) -> QuerySet[Transfer]:
    """Money sent to a person, newest first, with the payments it refunds."""
    return Transfer.objects.filter(payee_id=user_id).select_related("payment").order_by("-id")


def payouts_to(user_id: int) -> QuerySet[Transfer]:
    """What was paid out to a person or is to be, newest first, with who asked and who decided."""
    payouts = Transfer.objects.filter(payee_id=user_id, kind=Transfer.Kind.PAYOUT)
    return payouts.select_related("requested_by", "decided_by").order_by("-id")


def open_payout_to(user_id: int) -> Transfer | None:
    """The payout to a person that is under way, if there is one."""
    return payouts_to(user_id).filter(state__in=OPEN_TRANSFERS).first()


def payable_of_attempt(reference: str) -> Payable | None:
    """What the attempt of this reference of ours was to pay for."""
    attempt = (
        MobileMoneyTransaction.objects.select_related("payment__payer")
        .filter(reference=reference.upper())
        .first()
    )
    if attempt is None:
        return None
    payment = attempt.payment
    return Payable(
        payer_id=payment.payer_id,
        name=payment.payer.short_name,
        subject=payment.subject,
        amount=payment.amount,
    )


def bill_of(provider: str, receipt: str) -> Bill | None:
    """What was decided about the customer-initiated payment with this receipt."""
    return Bill.objects.filter(provider=provider, receipt=receipt).first()


def due_attempts(now: datetime, limit: int) -> list[MobileMoneyTransaction]:
    """Attempts whose next step is due, the longest waiting first."""
    return list(
        MobileMoneyTransaction.objects.filter(next_check_at__lte=now)
        .only("id", "status", "resend_due", "next_check_at")
        .order_by("next_check_at")[:limit]
    )


def due_deliveries(now: datetime, limit: int) -> list[WebhookDelivery]:
    return list(
        WebhookDelivery.objects.filter(next_try_at__lte=now)
        .only("id", "next_try_at")
        .order_by("next_try_at")[:limit]
    )


def due_transfers(now: datetime, limit: int) -> list[Transfer]:
    return list(
        Transfer.objects.filter(next_check_at__lte=now)
        .only("id", "state", "next_check_at")
        .order_by("next_check_at")[:limit]
    )


def claims_of(user_id: int) -> QuerySet[ReceiptClaim]:
    """The receipts that a person has named, the latest first."""
    return (
        ReceiptClaim.objects.filter(customer_id=user_id).select_related("payment").order_by("-id")
    )


def own_claim(*, user_id: int, claim_id: int) -> ReceiptClaim:
    """One of them. Raises ClaimNotFound."""
    claim = claims_of(user_id).filter(pk=claim_id).first()
    if claim is None:
        raise ClaimNotFound("You have not sent us such a receipt.")
    return claim


def due_claims(now: datetime, limit: int) -> list[ReceiptClaim]:
    return list(
        ReceiptClaim.objects.filter(next_look_at__lte=now)
        .only("id", "next_look_at")
        .order_by("next_look_at")[:limit]
    )


def due_follow_ups(now: datetime, limit: int) -> list[Payment]:
    return list(
        Payment.objects.filter(follow_up_at__lte=now)
        .only("id", "follow_up_at")
        .order_by("follow_up_at")[:limit]
    )


def is_live(payment: Payment) -> bool:
    return payment.state in LIVE
