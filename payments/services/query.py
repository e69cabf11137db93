"""Asks a provider what became of a collection, and expires what waited too long."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.transactions import retried
from payments.models import MobileMoneyTransaction, PaymentEvent, ProviderCall
from payments.polling import NOT_FOUND_APART, SECOND_LOOK_AFTER, next_check
from payments.providers import registry
from payments.providers.base import Answer, Outcome, Reason, StatusQuestion
from payments.selectors import attempt_for_update
from payments.services.calls import finish_call
from payments.services.follow_up import follow_up
from payments.services.record import record_move
from payments.services.second_look import is_askable
from payments.services.settle import settle
from payments.states import LIVE, State

UNDECIDED = (Outcome.PENDING, Outcome.UNKNOWN)
ASKING_LEASE = timedelta(seconds=45)  # longer than one call's time-outs


def can_ask_now(attempt: MobileMoneyTransaction, now: datetime) -> bool:
    """Whether the provider can tell anything about this attempt at this time."""
    return attempt.posted_at is not None and now >= _askable_from(attempt, attempt.posted_at)


def check_attempt(*, attempt_id: int, source: str = PaymentEvent.Source.QUERY) -> None:
    """Ask the provider where it can be asked and settle what it says; then expire what is overdue.

    Safe to repeat and to run twice at once. An attempt that is not final keeps a `next_check_at`, or
    gets a case when the plan has ended or the provider cannot be asked. A failed one ends quietly.
    """
    attempt = MobileMoneyTransaction.objects.select_related("payment").get(pk=attempt_id)
    answer = None
    if can_ask_now(attempt, timezone.now()):
        answer = _ask(attempt)
        settle(
            attempt_id=attempt_id,
            answer=answer,
            source=source,
            evidence=f"status query: {answer.code} {answer.message}".strip(),
        )
    payment_id = _plan_next(attempt_id, answer)
    follow_up(payment_id=payment_id)


def _ask(attempt: MobileMoneyTransaction) -> Answer:
    call = ProviderCall.objects.create(attempt=attempt, kind=ProviderCall.Kind.QUERY)
    answer = registry.by_dialect(attempt.dialect).query(
        StatusQuestion(
            reference=attempt.reference, provider_reference=attempt.provider_reference or ""
        )
    )
    finish_call(call, answer)
    return _believed(attempt.pk, answer)


@retried
def _believed(attempt_id: int, answer: Answer) -> Answer:
    """Note the asking; "not found" becomes a failure only when time has proved it."""
    attempt = attempt_for_update(attempt_id)
    now = timezone.now()
    attempt.checks += 1
    attempt.checked_at = now
    if not answer.not_found:
        attempt.save()
        return answer
    first = attempt.not_found_since
    attempt.not_found_since = first or now
    attempt.save()
    grace = registry.by_dialect(attempt.dialect).description.not_found_grace_seconds
    is_proved = (
        first is not None
        and grace is not None
        and now - first >= NOT_FOUND_APART
        and attempt.posted_at is not None
        and now - attempt.posted_at >= timedelta(seconds=grace)
        and now >= attempt.expires_at
        and attempt.status != State.COMPLETED
    )
    if not is_proved:
        return answer
    return Answer(
        outcome=Outcome.FAILED,
        reason=Reason.NOT_FOUND,
        code=answer.code,
        message="not known to the provider, asked twice",
    )


@retried
def _plan_next(attempt_id: int, answer: Answer | None) -> int:
    """Expire an overdue attempt, and set when to ask again. Returns the payment's key.

    `answer` is what the provider has just said, None when it was not asked.
    """
    attempt = attempt_for_update(attempt_id)
    payment = attempt.payment
    now = timezone.now()
    if attempt.status in LIVE and now >= attempt.expires_at:
        record_move(
            payment,
            attempt,
            State.EXPIRED,
            source=PaymentEvent.Source.SWEEP,
            evidence="no success is known when the time is over",
            reason=Reason.NO_ANSWER,
        )
    if attempt.status == State.FAILED:
        attempt.next_check_at = _next_look(attempt, answer, now)
    elif attempt.status == State.COMPLETED and attempt.checked_at is not None:
        attempt.next_check_at = None
    elif attempt.status in (State.PENDING, State.EXPIRED) and not attempt.resend_due:
        attempt.next_check_at = _next_check(attempt, now)
        if attempt.next_check_at is None:
            _give_to_staff(attempt)
    attempt.save()
    return payment.pk


def _next_look(
    attempt: MobileMoneyTransaction, answer: Answer | None, now: datetime
) -> datetime | None:
    """A failed attempt rests once the provider's record was read, unless that was too early.

    A record that tells nothing, or does not know the payment, is read again by plan, until that ends.
    """
    if attempt.next_check_at is None or attempt.posted_at is None:
        return None
    if now < attempt.posted_at + SECOND_LOOK_AFTER:
        return attempt.next_check_at
    if answer is None or answer.outcome not in UNDECIDED:
        return None
    return _planned(attempt, now)


def _next_check(attempt: MobileMoneyTransaction, now: datetime) -> datetime | None:
    if not is_askable(attempt):
        return attempt.expires_at if attempt.status == State.PENDING else None
    planned = _planned(attempt, now)
    if planned is None or attempt.status != State.PENDING:
        return planned
    return min(planned, attempt.expires_at)


def _planned(attempt: MobileMoneyTransaction, now: datetime) -> datetime | None:
    return next_check(
        posted_at=attempt.posted_at or attempt.created_at,
        now=now,
        first_query_seconds=registry.by_dialect(attempt.dialect).description.first_query_seconds,
    )


def _give_to_staff(attempt: MobileMoneyTransaction) -> None:
    open_case(
        kind=CaseKind.UNRESOLVED_PAYMENT,
        subject=f"payment:{attempt.payment.public_id}",
        amount=attempt.payment.amount,
        detail="no final answer is known, and the provider cannot be asked any more",
    )


def _askable_from(attempt: MobileMoneyTransaction, posted_at: datetime) -> datetime:
    if not is_askable(attempt):
        return datetime.max.replace(tzinfo=posted_at.tzinfo)
    description = registry.by_dialect(attempt.dialect).description
    return posted_at + timedelta(seconds=description.first_query_seconds)
