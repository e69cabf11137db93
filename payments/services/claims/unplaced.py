"""Money that has reached us with a receipt, and that nobody was given: in suspense or on a statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from payments.models import Bill, Bucket, PaymentEvent, ReceiptClaim, StatementLine

# A line that may be a payment's which we do not hold as paid.
OPEN_BUCKETS = (
    Bucket.PAID_NO_ORDER,
    Bucket.SUGGESTED,
    Bucket.AMBIGUOUS,
    Bucket.STATUS_CONFLICT,
    Bucket.LATE_SUCCESS,
    Bucket.MASKED_IDENTITY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What has come in, TZS, and who says so. `phone` is E.164, "" where it is not told whole.

    `trouble` is why only a person can place it; `named` are attempts that a statement's line may be of.
    """

    provider: str
    receipt: str
    amount: int
    phone: str
    at: datetime | None
    source: PaymentEvent.Source
    evidence: str
    delivery_id: int | None = None
    trouble: str = ""
    named: frozenset[int] = frozenset()


def unplaced(claim: ReceiptClaim) -> Money | None:
    """The money with the claimed receipt; None where we know of none, or it is matched."""
    bill = Bill.objects.filter(
        provider__in=claim.providers, receipt__in=claim.spellings, state=Bill.State.SUSPENSE
    ).first()
    if bill is not None:
        return _in_suspense(bill)
    lines = StatementLine.objects.filter(receipt=claim.key, provider__in=claim.providers)
    looked_at = lines.filter(is_incoming=True).exclude(bucket__in=[Bucket.NEW, Bucket.MATCHED])
    line = looked_at.exclude(kind=StatementLine.Kind.FEE).first()
    return None if line is None else _on_statement(line)


def _in_suspense(bill: Bill) -> Money:
    return Money(
        provider=bill.provider,
        receipt=bill.receipt,
        amount=bill.amount,
        phone=f"+{bill.msisdn}" if bill.msisdn else "",
        at=bill.created_at,
        source=PaymentEvent.Source.WEBHOOK,
        evidence=f"delivery {bill.delivery_id}: in suspense as {bill.our_id}",
        delivery_id=bill.delivery_id,
    )


def _on_statement(line: StatementLine) -> Money:
    is_payment = (
        line.bucket in OPEN_BUCKETS
        and line.kind == StatementLine.Kind.COLLECTION
        and line.moves_money
        and line.currency == "TZS"
    )
    candidates = line.candidates.exclude(attempt=None).values_list("attempt", flat=True)
    return Money(
        provider=line.provider,
        receipt=line.receipt,
        amount=max(line.amount, 0),
        phone=line.msisdn,
        at=line.completed_at,
        source=PaymentEvent.Source.STATEMENT,
        evidence=f"line {line.pk} of the statement",
        trouble="" if is_payment else f"the statement says: {line.get_bucket_display().lower()}",
        named=frozenset(candidates),
    )
