"""Decides what a provider is answered that asks about a customer's bill and waits."""

from __future__ import annotations

from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.queue import hurry
from common.transactions import is_conflict
from payments.bills import Payable, payables
from payments.models import Bill, MobileMoneyTransaction, Payment, WebhookDelivery
from payments.providers import registry
from payments.providers.base import BillDecision, BillQuestion, QuestionKind, Verdict
from payments.selectors import bill_of
from payments.services.take_bill import AMOUNT_MAX, take_bill

TRIES = 3  # a provider waits: fewer than a worker's, each with brief waits for locks
PROVEN = (WebhookDelivery.Trust.SECRET_PATH, WebhookDelivery.Trust.ALLOWED_SOURCE)


def answer_bill(*, delivery: WebhookDelivery, question: BillQuestion) -> BillDecision:
    """Decide about a stored question and commit what is decided; what was paid for follows later.

    A payment asked about again, at the same time or ever after, gets the first answer. Raises
    DatabaseError when nothing could be committed; then nothing is decided.
    """
    from payments.tasks import follow_up

    decision, payment = _decided(delivery, question, TRIES)
    if payment is not None and payment.follow_up_at is not None:
        hurry(follow_up, payment.pk)
    return decision


def note_unread(*, delivery: WebhookDelivery, trouble: str) -> None:
    """Keep why a question could not be read."""
    _note(delivery, WebhookDelivery.State.MALFORMED, trouble)


def _decided(
    delivery: WebhookDelivery, question: BillQuestion, tries: int
) -> tuple[BillDecision, Payment | None]:
    """The decision, committed; tried again on a conflict with others."""
    try:
        with transaction.atomic():
            return _decide(delivery, question)
    except DatabaseError as error:
        # An IntegrityError is the same question, asked at the same time: the next try finds its answer.
        if tries == 1 or not (isinstance(error, IntegrityError) or is_conflict(error)):
            raise
    return _decided(delivery, question, tries - 1)


def _decide(
    delivery: WebhookDelivery, question: BillQuestion
) -> tuple[BillDecision, Payment | None]:
    provider = registry.by_dialect(delivery.dialect).description.provider
    is_payment = question.kind == QuestionKind.PAYMENT
    if is_payment and (earlier := bill_of(provider, question.receipt)):
        return _answer_again(delivery, question, earlier), None
    payable = payables.named(question.bill_reference)
    verdict, why = _verdict(delivery, question, provider, payable)
    state = (
        WebhookDelivery.State.APPLIED
        if verdict == Verdict.ACCEPTED
        else WebhookDelivery.State.REFUSED
    )
    _note(delivery, state, why)
    if not is_payment:
        name = payable.name if payable and verdict == Verdict.ACCEPTED else ""
        return BillDecision(verdict=verdict, name=name), None
    if delivery.trust not in PROVEN or not _can_be_kept(question):
        return BillDecision(verdict=verdict), None
    bill = _bill(delivery, question, provider)
    payment = None
    if payable and verdict == Verdict.ACCEPTED:
        payment = take_bill(bill=bill, payable=payable, webhook_data=question.payload)
    else:
        bill.state = Bill.State.REFUSED
        bill.verdict = verdict
        bill.why = why[:255]
        bill.save()
    return BillDecision(verdict=verdict, our_id=bill.our_id), payment


def _verdict(
    delivery: WebhookDelivery, question: BillQuestion, provider: str, payable: Payable | None
) -> tuple[Verdict, str]:
    """What is answered, and why in words for staff. Any amount is taken of a customer we know."""
    ours = registry.short_code(delivery.dialect)
    if delivery.trust not in PROVEN:
        return Verdict.NOT_UNDERSTOOD, "nothing says that the provider sent it"
    if not ours or question.short_code not in (None, ours):
        return Verdict.NOT_UNDERSTOOD, f"{question.short_code} is no number of ours"
    if question.kind == QuestionKind.PAYMENT and not _can_be_kept(question):
        return Verdict.NOT_UNDERSTOOD, "it names no receipt, or no amount that can be paid"
    if question.kind == QuestionKind.PAYMENT and _has_paid(provider, question.receipt):
        return Verdict.NOT_UNDERSTOOD, "its receipt has paid another payment"
    if payable is None:
        return Verdict.UNKNOWN_REFERENCE, f"nobody knows reference {question.bill_reference}"
    return Verdict.ACCEPTED, ""


def _can_be_kept(question: BillQuestion) -> bool:
    return bool(question.receipt) and 0 < (question.amount or 0) <= AMOUNT_MAX


def _has_paid(provider: str, receipt: str) -> bool:
    return MobileMoneyTransaction.objects.filter(
        provider=provider, provider_transaction_id=receipt
    ).exists()


def _answer_again(delivery: WebhookDelivery, question: BillQuestion, earlier: Bill) -> BillDecision:
    """The receipt alone says that it is the same; staff look where the rest of it is not."""
    asked, known = (
        (question.bill_reference, question.amount),
        (earlier.bill_reference, earlier.amount),
    )
    if asked != known and delivery.trust in PROVEN:
        open_case(
            kind=CaseKind.CONFLICTING_ANSWERS,
            subject=earlier.subject,
            amount=earlier.amount,
            detail=f"delivery {delivery.pk} asks again, of another reference or amount",
        )
    _note(delivery, WebhookDelivery.State.REPEATED, f"answered before as {earlier.our_id}")
    return BillDecision(verdict=Verdict(earlier.verdict), our_id=earlier.our_id)


def _bill(delivery: WebhookDelivery, question: BillQuestion, provider: str) -> Bill:
    return Bill(
        provider=provider,
        dialect=delivery.dialect,
        receipt=question.receipt,
        bill_reference=question.bill_reference,
        msisdn=question.msisdn or "",
        amount=question.amount or 0,
        delivery=delivery,
    )


def _note(delivery: WebhookDelivery, state: WebhookDelivery.State, note: str) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state, note=note[:255], processed_at=timezone.now()
    )
