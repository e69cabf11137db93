"""Each sale gets its fiscal record, after the customer is served: no sale waits for the tax office."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum
from django.utils import timezone

from bundles import fiscal
from bundles.fiscal.channel import Document, Reply, Result, Sale, SaleLine
from bundles.models import Activation, FiscalCorrection, FiscalRecord, Purchase
from bundles.selectors import paid_by
from cases.models import CaseKind
from cases.services import open_case
from common.transactions import retried
from payments.models import Entry, Payment, Transfer
from payments.selectors import receipt_of

logger = logging.getLogger(__name__)

BATCH = 200
LEASE = timedelta(seconds=90)  # longer than a channel's time-outs
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 900
CUSTOMERS_OWN = ("receipts", "credit:")  # accounts of money that was no sale's
State = FiscalRecord.State


def record_sales() -> int:
    """Write the records of sales that have none yet, each in its own transaction. Returns how many.

    Those that the channel cannot prepare keep none of the others back, however many they are; they
    are tried again.
    """
    waiting = Activation.objects.filter(recorded_at=None).order_by("pk")
    written, last = 0, 0
    while written < BATCH and (
        keys := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH])
    ):
        for key in keys:
            try:
                written += _record(key)
            except Exception:
                logger.exception("activation %s has no fiscal record", key)
        last = keys[-1]
    return written


@retried
def _record(activation_id: int) -> bool:
    activation = Activation.objects.select_for_update().get(pk=activation_id)
    if activation.recorded_at is not None:
        return False
    purchases = Purchase.objects.select_related("bundle", "customer")
    purchase = purchases.get(pk=activation.purchase_id)
    payment = paid_by(purchase)
    channel = fiscal.channel()
    document = channel.prepare(_sale(purchase, payment, issued_at=activation.created_at))
    is_sent = document is not None
    FiscalRecord.objects.create(
        purchase=purchase,
        payment=payment,
        channel=channel.name,
        reference=purchase.subject,
        amount=purchase.price,
        state=State.PREPARED if is_sent else State.ACKNOWLEDGED,
        document=document.body if document else b"",
        number=document.number if document else "",
        verification_code=document.verification_code if document else "",
        qr_url=document.qr_url if document else "",
        next_try_at=timezone.now() if is_sent else None,
    )
    Activation.objects.filter(pk=activation_id).update(recorded_at=timezone.now())
    return True


def _sale(purchase: Purchase, payment: Payment, *, issued_at: datetime) -> Sale:
    line = SaleLine(
        id=f"bundle:{purchase.bundle_id}",
        text=str(purchase.bundle),
        quantity=1,
        amount=purchase.price,
        tax_class="standard" if purchase.tax_percent else "exempt",
    )
    return Sale(
        device="",
        reference=purchase.subject,
        issued_at=issued_at,
        buyer_name=purchase.customer.full_name,
        buyer_phone=purchase.customer.phone or receipt_of(payment).phone,
        lines=(line,),
        method=payment.payment_method,
        total=purchase.price,
    )


def correct_sent_back(transfer: Transfer) -> None:
    """Keep what a refund has taken off a sale, in the transaction that settles it.

    What was over-paid, or was the customer's credit, was no part of the sale.
    """
    if transfer.payment is None:
        return
    own = Q(account=CUSTOMERS_OWN[0]) | Q(account__startswith=CUSTOMERS_OWN[1])
    taken = Entry.objects.filter(
        posting__source=f"transfer-started:{transfer.reference}", amount__gt=0
    ).exclude(own)
    amount = taken.aggregate(total=Sum("amount"))["total"] or 0
    _correct(transfer.payment, f"refund:{transfer.reference}", amount, transfer.why)


def correct_withdrawn(payment: Payment) -> None:
    """Keep that a whole sale is undone without a transfer of ours: reversed, or made credit again."""
    if payment.reversed_at is not None:
        _correct(payment, f"reversed:{payment.public_id}", None, "reversed by the provider")
    elif payment.payment_method == Payment.CREDIT:
        _correct(payment, f"credit:{payment.public_id}", None, "made credit again")


def _correct(payment: Payment, reference: str, amount: int | None, why: str) -> None:
    """At most what is left of the sale; a sale not recorded yet is corrected all the same."""
    corrections = FiscalCorrection.objects.filter(payment=payment)
    if corrections.filter(reference=reference).exists():
        return
    before = corrections.aggregate(total=Sum("amount"))["total"] or 0
    left = payment.amount - before
    taken = left if amount is None else min(amount, left)
    if taken > 0:
        FiscalCorrection.objects.create(
            payment=payment, reference=reference, amount=taken, why=why[:255]
        )


def send_documents() -> int:
    """Send what is due by the channel in use, one after another; returns how many were sent."""
    sent = 0
    while sent < BATCH and (record := _claim()) is not None:
        reply = fiscal.channel().submit(
            Document(
                body=bytes(record.document),
                number=record.number,
                verification_code=record.verification_code,
                qr_url=record.qr_url,
            )
        )
        _hear(record.pk, reply)
        sent += 1
    return sent


@retried
def _claim() -> FiscalRecord | None:
    """The next document that is due, taken by compare-and-set.

    Where the order is strict, what is before it has to be acknowledged: a blocked one stops them all.
    """
    channel, now = fiscal.channel(), timezone.now()
    waiting = FiscalRecord.objects.filter(channel=channel.name).exclude(state=State.ACKNOWLEDGED)
    if not channel.capabilities.needs_strict_order:
        waiting = waiting.filter(next_try_at__lte=now)
    record = waiting.order_by("pk").first()
    if record is None or record.next_try_at is None or record.next_try_at > now:
        return None
    is_ours = FiscalRecord.objects.filter(pk=record.pk, next_try_at=record.next_try_at).update(
        state=State.SENDING, next_try_at=now + LEASE, tries=F("tries") + 1
    )
    return record if is_ours else None


@retried
def _hear(record_id: int, reply: Reply) -> None:
    record = FiscalRecord.objects.select_for_update().defer("document").get(pk=record_id)
    if record.state == State.ACKNOWLEDGED:
        return
    record.answer = reply.raw
    record.next_try_at = None
    if reply.result in (Result.ACCEPTED, Result.DUPLICATE):
        record.state, record.acknowledged_at = State.ACKNOWLEDGED, timezone.now()
        record.number = record.number or reply.number
        record.verification_code = record.verification_code or reply.verification_code
        record.qr_url = record.qr_url or reply.qr_url
    elif reply.result == Result.UNKNOWN:
        record.state = State.WAITING_RETRY
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(record.tries - 1, 8), LONGEST_WAIT_SECONDS)
        record.next_try_at = timezone.now() + timedelta(seconds=wait)
    else:
        record.state = State.BLOCKED
        open_case(
            kind=CaseKind.FISCAL_BLOCKED,
            subject=f"fiscal:{record.reference}",
            amount=record.amount,
            detail=f"{reply.result}: {reply.raw}"[:1000],
        )
    record.save(
        update_fields=[
            "state",
            "answer",
            "next_try_at",
            "acknowledged_at",
            "number",
            "verification_code",
            "qr_url",
        ]
    )
