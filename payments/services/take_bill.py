"""Takes a customer-initiated payment: its rows, its history and its postings, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from accounts.models import User
from notifications.services import queue_message
from payments import ledger
from payments.bills import Payable
from payments.models import (
    Bill,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    WebhookDelivery,
)
from payments.providers.base import Verdict
from payments.providers.http import redact
from payments.states import State

AMOUNT_MAX = 2**31 - 1  # TZS; what a payment's column holds on every database


def take_bill(*, bill: Bill, payable: Payable, webhook_data: Mapping[str, Any]) -> Payment:
    """Save a new bill and the completed payment that it is, inside the caller's transaction.

    The caller follows the payment up once this is committed. The database refuses a receipt that has
    paid before.
    """
    payment, attempt = record_payment(
        bill=bill,
        payable=payable,
        taken_from=ledger.collection_account(bill.provider),
        source=PaymentEvent.Source.WEBHOOK,
        evidence=f"delivery {bill.delivery_id}: receipt {bill.receipt}, paid by the provider's menu",
    )
    attempt.webhook_data = redact(dict(webhook_data))
    attempt.save()
    bill.state = Bill.State.TAKEN
    bill.verdict = Verdict.ACCEPTED
    bill.payment = payment
    bill.payer_id = payable.payer_id
    bill.save()
    WebhookDelivery.objects.filter(pk=bill.delivery_id).update(attempt=attempt)
    return payment


def record_payment(
    *, bill: Bill, payable: Payable, taken_from: str, source: PaymentEvent.Source, evidence: str
) -> tuple[Payment, MobileMoneyTransaction]:
    """The completed payment and attempt of a bill's money, which is posted from an account.

    Without a subject the money is the payer's credit at once.
    """
    payer = User.objects.get(pk=payable.payer_id)
    now = timezone.now()
    payment = Payment.objects.create(
        payer=payer,
        subject=payable.subject,
        amount=(payable.amount if payable.subject else None) or bill.amount,
        payment_method=bill.provider,
        state=State.COMPLETED,
        paid_amount=bill.amount,
        paid_at=now,
        follow_up_at=now if payable.subject else None,
        disposition=Disposition.OPEN if payable.subject else Disposition.CREDITED,
    )
    attempt = MobileMoneyTransaction.objects.create(
        payment=payment,
        provider=bill.provider,
        dialect=bill.dialect,
        provider_transaction_id=bill.receipt,
        customer_phone=f"+{bill.msisdn}" if bill.msisdn else payer.phone or "",
        status=State.COMPLETED,
    )
    PaymentEvent.objects.create(
        payment=payment,
        to_state=State.COMPLETED,
        source=source,
        evidence=evidence[:255],
        delivery_id=bill.delivery_id,
    )
    ledger.post(
        source=f"collection:{attempt.reference}",
        memo=f"{bill.get_provider_display()} {bill.receipt}",
        payment=payment,
        lines=[(taken_from, bill.amount), (ledger.RECEIPTS, -bill.amount)],
    )
    if not payable.subject:
        _credit(payment, attempt)
    return payment, attempt


def _credit(payment: Payment, attempt: MobileMoneyTransaction) -> None:
    paid = payment.paid_amount or 0
    ledger.post(
        source=f"credit:{payment.public_id}",
        memo="paid for nothing in particular",
        payment=payment,
        lines=[(ledger.RECEIPTS, paid), (ledger.credit_account(payment.payer_id), -paid)],
    )
    if phone := payment.payer.phone or attempt.customer_phone:
        queue_message(
            message_id="payment_to_credit",
            to=phone,
            language=payment.payer.language,
            context={"amount": paid, "receipt": attempt.provider_transaction_id},
            key=f"payment_to_credit:{payment.public_id}",
        )
