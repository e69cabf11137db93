"""The one door to every state after `pending`, whoever brings the news."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common import phone as phones
from common.transactions import retried
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, PaymentEvent
from payments.providers import registry
from payments.providers.base import Answer, Outcome, Reason
from payments.providers.http import redact
from payments.selectors import attempt_for_update
from payments.services.follow_up import follow_up
from payments.services.record import record_move
from payments.services.second_look import second_look_at
from payments.services.spend_credit import asked_of_phone
from payments.services.suspense import claim_suspended
from payments.services.take_back import take_back
from payments.states import State

logger = logging.getLogger(__name__)


def settle(
    *,
    attempt_id: int,
    answer: Answer,
    source: str,
    evidence: str,
    delivery_id: int | None = None,
    webhook_data: Mapping[str, Any] | None = None,
) -> bool:
    """Apply a provider's answer to an attempt, then act on the result at once.

    Two bringers of the same news, at the same time or not, give one result. Returns whether anything
    changed. The caller has decided that the answer is evidence; `webhook_data` is the callback that
    brought it, kept with what it changes.
    """
    apply = partial(_apply, attempt_id, answer, source, evidence, delivery_id, webhook_data)
    try:
        payment, changed = apply()
    except IntegrityError:
        # Another attempt has the receipt or the handle: the database said so, now we say which.
        payment, changed = apply(is_refused=True)
    if payment.follow_up_at is not None:
        follow_up(payment_id=payment.pk)
    return changed


@retried
def _apply(
    attempt_id: int,
    answer: Answer,
    source: str,
    evidence: str,
    delivery_id: int | None,
    webhook_data: Mapping[str, Any] | None,
    *,
    is_refused: bool = False,
) -> tuple[Payment, bool]:
    attempt = attempt_for_update(attempt_id)
    payment = attempt.payment
    if is_refused and (trouble := _taken_by_another(attempt, answer)):
        _open(payment, CaseKind.WRONG_DETAILS, trouble)
        return payment, False
    if webhook_data is not None:
        attempt.webhook_data = redact(dict(webhook_data))
    changed = False
    if answer.outcome == Outcome.SUCCEEDED:
        changed = _succeed(payment, attempt, answer, source, evidence, delivery_id)
    elif answer.outcome == Outcome.REVERSED and attempt.status == State.COMPLETED:
        changed = _take_back(payment, attempt, answer, source, evidence)
    elif answer.outcome in (Outcome.FAILED, Outcome.REVERSED):
        changed = _fail(payment, attempt, answer, source, evidence, delivery_id)
    elif answer.is_unlisted:
        _open(payment, CaseKind.UNLISTED_ANSWER, f"the provider says {answer.code}")
    return payment, changed


def _succeed(
    payment: Payment,
    attempt: MobileMoneyTransaction,
    answer: Answer,
    source: str,
    evidence: str,
    delivery_id: int | None,
) -> bool:
    if trouble := contradiction(payment, attempt, answer):
        _open(payment, CaseKind.WRONG_DETAILS, trouble)
        return False
    if attempt.status == State.COMPLETED:
        return _complete_record(payment, attempt, answer)
    _learn(attempt, answer)
    payment.paid_amount = asked_of_phone(payment) if answer.amount is None else answer.amount
    payment.paid_at = timezone.now()
    attempt.next_check_at = _confirmation_time(attempt, answer, source)
    record_move(
        payment,
        attempt,
        State.COMPLETED,
        source=source,
        evidence=evidence,
        delivery_id=delivery_id,
    )
    booked = claim_suspended(payment, attempt)
    ledger.post(
        source=f"collection:{attempt.reference}",
        memo=f"{attempt.get_provider_display()} {attempt.provider_transaction_id or ''}".strip(),
        payment=payment,
        lines=[
            (ledger.suspense_account(attempt.provider), booked),
            (ledger.collection_account(attempt.provider), payment.paid_amount - booked),
            (ledger.RECEIPTS, -payment.paid_amount),
        ],
    )
    return True


def _complete_record(payment: Payment, attempt: MobileMoneyTransaction, answer: Answer) -> bool:
    """More news of a completed payment: a receipt not known yet, or a contradiction for staff."""
    known = attempt.provider_transaction_id
    if answer.receipt and known and answer.receipt != known:
        _open(
            payment,
            CaseKind.PAID_TWICE,
            f"receipt {known} is recorded, the provider also names {answer.receipt}",
        )
        return False
    if answer.amount is not None and answer.amount != payment.paid_amount:
        _open(
            payment,
            CaseKind.CONFLICTING_ANSWERS,
            f"{payment.paid_amount} TZS are recorded, the provider also says {answer.amount}",
        )
        return False
    if answer.receipt and not known:
        _learn(attempt, answer)
        attempt.save()
        if booked := claim_suspended(payment, attempt):
            ledger.post(
                source=f"suspense-cleared:{attempt.reference}",
                memo=f"{answer.receipt} was booked before, without its receipt",
                payment=payment,
                lines=[
                    (ledger.suspense_account(attempt.provider), booked),
                    (ledger.collection_account(attempt.provider), -booked),
                ],
            )
        return True
    return False


def _fail(
    payment: Payment,
    attempt: MobileMoneyTransaction,
    answer: Answer,
    source: str,
    evidence: str,
    delivery_id: int | None,
) -> bool:
    if attempt.status == State.COMPLETED:
        _open(
            payment,
            CaseKind.CONFLICTING_ANSWERS,
            f"completed, but the provider says {answer.code} {answer.message}",
        )
        return False
    if attempt.status == State.FAILED:
        return False
    if trouble := contradiction(payment, attempt, answer):
        _open(payment, CaseKind.WRONG_DETAILS, trouble)
        return False
    _learn(attempt, answer)
    attempt.next_check_at = second_look_at(attempt, answer, source)
    record_move(
        payment,
        attempt,
        State.FAILED,
        source=source,
        evidence=evidence,
        reason=answer.reason or Reason.DECLINED,
        delivery_id=delivery_id,
    )
    return True


def _take_back(
    payment: Payment, attempt: MobileMoneyTransaction, answer: Answer, source: str, evidence: str
) -> bool:
    if trouble := contradiction(payment, attempt, answer):
        _open(payment, CaseKind.WRONG_DETAILS, trouble)
        return False
    return take_back(payment, attempt, answer, source, evidence)


def contradiction(payment: Payment, attempt: MobileMoneyTransaction, answer: Answer) -> str:
    """What says that the news is of somebody else's payment; "" when it can be this one.

    A smaller or larger amount is no contradiction: it has its own rules.
    """
    ours = phones.msisdn(attempt.customer_phone)
    short_code = registry.short_code(attempt.dialect)
    if answer.currency and answer.currency != payment.currency:
        return f"paid in {answer.currency}, not {payment.currency}"
    if answer.msisdn and answer.msisdn != ours:
        return "paid from another phone than the one asked"
    if answer.short_code and short_code and answer.short_code != short_code:
        return f"paid to short code {answer.short_code}, which is not ours"
    if answer.provider_reference and attempt.provider_reference not in (
        None,
        answer.provider_reference,
    ):
        return f"the provider's handle is {answer.provider_reference}, not ours"
    return ""


def _taken_by_another(attempt: MobileMoneyTransaction, answer: Answer) -> str:
    """Which of the answer's names the database holds for another attempt; "" for none."""
    others = MobileMoneyTransaction.objects.filter(provider=attempt.provider).exclude(pk=attempt.pk)
    if answer.receipt and others.filter(provider_transaction_id=answer.receipt).exists():
        return f"receipt {answer.receipt} has paid another payment"
    handle = answer.provider_reference
    if handle and others.filter(provider_reference=handle).exists():
        return f"the provider's handle {handle} is another payment's"
    return ""


def _learn(attempt: MobileMoneyTransaction, answer: Answer) -> None:
    attempt.provider_status = answer.code[:50]
    if answer.receipt:
        attempt.provider_transaction_id = answer.receipt
    if answer.provider_reference and not attempt.provider_reference:
        attempt.provider_reference = answer.provider_reference


def _confirmation_time(
    attempt: MobileMoneyTransaction, answer: Answer, source: str
) -> datetime | None:
    """A callback that names no amount is confirmed by asking, as soon as asking is allowed."""
    description = registry.by_dialect(attempt.dialect).description
    needs_confirming = (
        source == PaymentEvent.Source.WEBHOOK and answer.amount is None and description.can_query
    )
    if not needs_confirming or attempt.posted_at is None:
        return None
    allowed_at = attempt.posted_at + timedelta(seconds=description.first_query_seconds)
    return max(allowed_at, timezone.now())


def _open(payment: Payment, kind: str, detail: str) -> None:
    logger.warning("payment %s: %s", payment.public_id, detail)
    open_case(
        kind=kind, subject=f"payment:{payment.public_id}", amount=payment.amount, detail=detail
    )
