"""Asks a provider what a receipt is of. Its answer is evidence; what differs is for staff."""

from __future__ import annotations

from django.db.models import F, Q
from django.utils import timezone

from common.transactions import retried
from payments.models import PaymentEvent, ProviderCall, ReceiptClaim, WebhookDelivery
from payments.providers import registry
from payments.providers.base import Answer, MalformedCallback, Notice, Outcome, ReceiptQuestion
from payments.services.calls import finish_call
from payments.services.claims.candidates import (
    ASK_AGAIN_AFTER,
    ASKS_MOST,
    candidates,
    dialects_to_ask,
)
from payments.services.claims.look import look
from payments.services.claims.place import place
from payments.services.claims.tell import give_to_staff
from payments.services.claims.unplaced import Money, unplaced
from payments.services.proof import proof_of, why_no_proof
from payments.services.query import can_ask_now, check_attempt

CHECKS_MOST = 3


def look_and_ask(*, claim_id: int) -> None:
    """Look for a receipt; where we know nothing of it, ask. Safe to repeat.

    First about the customer's own payments: their answers may name the receipt.
    """
    if not look(claim_id=claim_id) or not _take_turn(claim_id):
        return
    claim = ReceiptClaim.objects.get(pk=claim_id)
    for attempt in candidates(claim)[:CHECKS_MOST]:
        if can_ask_now(attempt, timezone.now()):
            check_attempt(attempt_id=attempt.pk)
    if not look(claim_id=claim_id):
        return
    for dialect in dialects_to_ask(claim):
        _ask(claim, dialect)


def hear_of_receipt(*, delivery: WebhookDelivery, claim: ReceiptClaim) -> tuple[str, str]:
    """Take a callback that answers our question; returns the delivery's state and a note for staff."""
    State = WebhookDelivery.State
    provider = registry.by_dialect(delivery.dialect)
    try:
        answer = registry.receipt_asker(delivery.dialect).read_receipt(
            bytes(delivery.body), delivery.headers
        )
    except MalformedCallback as error:
        return State.MALFORMED, str(error)
    notice = Notice(answer=answer)
    proof = proof_of(delivery, notice, provider, claim.callback_token)
    if proof is None:
        return State.HINT, f"{claim.subject}: {why_no_proof(delivery, notice, provider)}"
    _note(claim, delivery=delivery)
    _take(claim, delivery.dialect, answer, f"delivery {delivery.pk}, proved by {proof}", delivery)
    return State.APPLIED, f"{claim.subject}: {answer.message}"


@retried
def _take_turn(claim_id: int) -> bool:
    """One asking at a time, and only a few."""
    now = timezone.now()
    free = Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN_AFTER)
    claims = ReceiptClaim.objects.filter(free, pk=claim_id, asks__lt=ASKS_MOST)
    return claims.update(asked_at=now, asks=F("asks") + 1) == 1


@retried
def _note(claim: ReceiptClaim, **columns: object) -> None:
    ReceiptClaim.objects.filter(pk=claim.pk).update(**columns)


def _ask(claim: ReceiptClaim, dialect: str) -> None:
    call = ProviderCall.objects.create(claim=claim, kind=ProviderCall.Kind.QUERY_RECEIPT)
    answer = registry.receipt_asker(dialect).query_receipt(
        ReceiptQuestion(receipt=claim.key, callback_token=claim.callback_token)
    )
    finish_call(call, answer)
    if answer.withheld or answer.outcome == Outcome.NOT_SENT:  # it was not asked
        _note(claim, asks=F("asks") - 1)
    _take(claim, dialect, answer, "status query by the receipt", None)


def _take(
    claim: ReceiptClaim,
    dialect: str,
    answer: Answer,
    evidence: str,
    delivery: WebhookDelivery | None,
) -> None:
    """Place what the provider knows of; what it contradicts or nobody lists is for staff."""
    told_nothing = answer.outcome in (Outcome.PENDING, Outcome.NOT_SENT, Outcome.UNKNOWN)
    if (told_nothing and not answer.is_unlisted) or not look(claim_id=claim.pk):
        return
    money = Money(
        provider=registry.by_dialect(dialect).description.provider,
        receipt=answer.receipt,
        amount=answer.amount or 0,
        phone=f"+{answer.msisdn}" if answer.msisdn else "",
        at=answer.paid_at,
        source=PaymentEvent.Source.WEBHOOK if delivery else PaymentEvent.Source.QUERY,
        evidence=evidence,
        delivery_id=delivery.pk if delivery else None,
        trouble=_trouble(claim, dialect, answer),
    )
    if money.trouble:
        give_to_staff(claim=claim, amount=money.amount, why=f"{evidence}: {money.trouble}")
    else:
        place(claim=claim, money=money)


def _trouble(claim: ReceiptClaim, dialect: str, answer: Answer) -> str:
    """Why the answer proves no payment of anybody's to us."""
    if answer.outcome != Outcome.SUCCEEDED:
        return f"the provider says {answer.code} {answer.message}".strip()
    if answer.receipt.upper() != claim.key:
        return f"the provider tells of receipt {answer.receipt or 'none'}"
    if answer.short_code != registry.short_code(dialect):
        return "it was not paid to our short code"
    held = unplaced(claim)
    if held is not None and held.amount != answer.amount:
        return f"the provider says {answer.amount:,} TZS, we have {held.amount:,} TZS of it"
    return ""
