"""Takes the news that a customer has paid by the provider's own menu. It cannot be refused any more."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.queue import hurry
from common.transactions import retried
from payments.bills import payables
from payments.models import Bill, MobileMoneyTransaction, Payment, PaymentEvent, WebhookDelivery
from payments.providers import registry
from payments.providers.base import Notice
from payments.selectors import bill_of
from payments.services.follow_up import follow_up
from payments.services.query import can_ask_now
from payments.services.settle import settle
from payments.services.suspense import suspend_bill
from payments.services.take_bill import AMOUNT_MAX, take_bill
from payments.states import LIVE
from payments.states import State as PaymentState

State = WebhookDelivery.State


class _CollectedBefore(Exception):
    """An attempt has the receipt: the money is booked there."""


def receive_bill(
    *, delivery: WebhookDelivery, notice: Notice, proof: str | None
) -> tuple[str, str]:
    """Settle, take or suspend a paid bill; returns the delivery's state and a note for staff.

    `proof` is what makes the delivery evidence, None for a hint. What an attempt was asked for, or has
    the receipt of, is that attempt's collection and no second one: a push raises this news too.
    """
    provider = registry.by_dialect(delivery.dialect).description.provider
    attempt = _attempt(provider, notice)
    delivery.attempt = attempt
    earlier = bill_of(provider, notice.answer.receipt)
    if proof is None:
        is_known = earlier is not None or (
            attempt is not None and attempt.status == PaymentState.COMPLETED
        )
        if not is_known:
            _look_into(delivery, notice, provider, attempt)
        return State.HINT, "nothing proves that the provider sent it"
    if attempt is not None:
        return _settle(delivery, notice, proof, attempt)
    if earlier is not None:
        return State.REPEATED, f"known as {earlier.our_id}"
    ours = registry.short_code(delivery.dialect)
    if notice.answer.short_code not in (None, ours):
        trouble = f"paid to {notice.answer.short_code}, which is no number of ours"
        _open_case(CaseKind.WRONG_DETAILS, notice, provider, f"delivery {delivery.pk}: {trouble}")
        return State.UNMATCHED, trouble
    return _book(delivery, notice, proof, provider)


def _attempt(provider: str, notice: Notice) -> MobileMoneyTransaction | None:
    """The attempt that the money was asked for by, or that has its receipt."""
    attempts = MobileMoneyTransaction.objects.select_related("payment").filter(provider=provider)
    by_receipt = attempts.filter(provider_transaction_id=notice.answer.receipt).first()
    return by_receipt or attempts.filter(reference=notice.bill_reference.upper()).first()


def _settle(
    delivery: WebhookDelivery, notice: Notice, proof: str, attempt: MobileMoneyTransaction
) -> tuple[str, str]:
    changed = settle(
        attempt_id=attempt.pk,
        answer=notice.answer,
        source=PaymentEvent.Source.WEBHOOK,
        evidence=f"delivery {delivery.pk}, proved by {proof}: the bill is paid",
        delivery_id=delivery.pk,
        webhook_data=notice.answer.response,
    )
    return (State.APPLIED if changed else State.REPEATED), f"bill of {attempt.reference}"


def _book(delivery: WebhookDelivery, notice: Notice, proof: str, provider: str) -> tuple[str, str]:
    try:
        bill, payment = _record(delivery, notice, provider)
    except (IntegrityError, _CollectedBefore):
        # The same news at the same time was faster, by this way or by the push's own callback.
        if attempt := _attempt(provider, notice):
            delivery.attempt = attempt
            return _settle(delivery, notice, proof, attempt)
        if earlier := bill_of(provider, notice.answer.receipt):
            return State.REPEATED, f"known as {earlier.our_id}"
        raise
    if payment is None:
        return State.APPLIED, f"in suspense as {bill.our_id}: {bill.why}"
    delivery.attempt = payment.attempts.get()
    if payment.follow_up_at is not None:
        follow_up(payment_id=payment.pk)
    return State.APPLIED, f"taken as {bill.our_id}"


@retried
def _record(
    delivery: WebhookDelivery, notice: Notice, provider: str
) -> tuple[Bill, Payment | None]:
    amount = notice.answer.amount or 0
    bill = Bill(
        provider=provider,
        dialect=delivery.dialect,
        receipt=notice.answer.receipt,
        bill_reference=notice.bill_reference,
        msisdn=notice.answer.msisdn or "",
        payer_name=notice.payer_name[:150],
        amount=amount,
        delivery=delivery,
    )
    payable = payables.named(notice.bill_reference)
    if payable is not None and amount <= AMOUNT_MAX:
        return bill, take_bill(bill=bill, payable=payable, webhook_data=notice.answer.response)
    suspend_bill(bill, "the amount is out of range" if payable else "nobody knows its reference")
    # After the bill is written: whoever settles the push writes its receipt first and then looks for
    # a bill, so that one of the two sees the other's row.
    attempts = MobileMoneyTransaction.objects.select_for_update()
    if attempts.filter(provider=provider, provider_transaction_id=bill.receipt).first():
        raise _CollectedBefore
    return bill, None


def _look_into(
    delivery: WebhookDelivery,
    notice: Notice,
    provider: str,
    attempt: MobileMoneyTransaction | None,
) -> None:
    """Ask the provider because of a hint; where it cannot be asked, a person must look."""
    from payments.tasks import check

    if attempt is not None and can_ask_now(attempt, timezone.now()):
        hurry(check, attempt.pk)
        return
    if attempt is not None and attempt.status in LIVE:
        return  # its next check is planned already
    _open_case(
        CaseKind.UNANSWERABLE_HINT,
        notice,
        provider,
        f"delivery {delivery.pk} says that a bill was paid, but nothing proves it",
    )


def _open_case(kind: str, notice: Notice, provider: str, detail: str) -> None:
    open_case(
        kind=kind,
        subject=f"bill:{provider}:{notice.answer.receipt}"[:100],
        amount=notice.answer.amount or 0,
        detail=detail,
    )
