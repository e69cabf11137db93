"""Asks the provider to charge the phone: claimed once, posted once, whatever is repeated."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from common import phone as phones
from common.transactions import retried
from payments.models import MobileMoneyTransaction, PaymentEvent, ProviderCall
from payments.polling import next_check
from payments.providers import registry
from payments.providers.base import Answer, Collection, Outcome, Reason, Withheld
from payments.selectors import attempt_for_update
from payments.services.calls import finish_call
from payments.services.record import record_move
from payments.services.settle import settle
from payments.states import State

RESEND_AFTER = timedelta(seconds=4)
SENDS_MAX = 2


def push_attempt(*, attempt_id: int) -> None:
    """Send one attempt's request, if nobody has; safe to repeat and to run twice at once.

    The claim is committed before the provider is called: whoever finds the attempt claimed never
    posts it. Only an answer that proves that the request was not processed frees it, once.
    """
    call = _claim(attempt_id)
    if call is None or call.attempt is None:
        return
    attempt = call.attempt
    provider = registry.by_dialect(attempt.dialect)
    answer = provider.collect(
        Collection(
            reference=attempt.reference,
            amount=attempt.payment.asked_amount,
            msisdn=phones.msisdn(attempt.customer_phone),
            description="Konektika",
            callback_token=attempt.callback_token,
            sent_before=attempt.sends > 1,
        )
    )
    finish_call(call, answer)
    if answer.outcome == Outcome.NOT_SENT:
        answer = _after_not_sent(attempt, answer)
    if answer.outcome == Outcome.NOT_SENT:
        _free_for_resend(attempt_id, was_tried=answer.withheld is None)
        return
    _remember(attempt_id, answer)
    settle(
        attempt_id=attempt_id,
        answer=answer,
        source=PaymentEvent.Source.ANSWER,
        evidence=f"answer to our request: {answer.code} {answer.message}".strip(),
    )


@retried
def _claim(attempt_id: int) -> ProviderCall | None:
    """Make the attempt ours: `initiated` → `pending`, or a refused sending → its second one."""
    attempt = attempt_for_update(attempt_id)
    payment = attempt.payment
    now = timezone.now()
    is_first = attempt.status == State.INITIATED and attempt.posted_at is None
    is_second = attempt.status == State.PENDING and attempt.resend_due
    if not (is_first or is_second):
        return None
    if attempt.expires_at <= now:
        attempt.next_check_at = None
        attempt.resend_due = False
        record_move(
            payment,
            attempt,
            State.EXPIRED,
            source=PaymentEvent.Source.SWEEP,
            evidence="the provider has processed no request",
            reason=Reason.UNAVAILABLE,
        )
        return None
    description = registry.by_dialect(attempt.dialect).description
    attempt.posted_at = now
    attempt.sends += 1
    attempt.resend_due = False
    attempt.next_check_at = next_check(
        posted_at=now, now=now, first_query_seconds=description.first_query_seconds
    )
    if is_first:
        record_move(
            payment,
            attempt,
            State.PENDING,
            source=PaymentEvent.Source.WORKER,
            evidence=f"{description.name} is being asked",
        )
    else:
        attempt.save()
    return ProviderCall.objects.create(attempt=attempt, kind=ProviderCall.Kind.COLLECT)


def _after_not_sent(attempt: MobileMoneyTransaction, answer: Answer) -> Answer:
    """The second proof of not having been processed ends the attempt: it never was asked.

    So does the first where the provider answers nobody. A turn that did not come proves nothing.
    """
    if answer.withheld == Withheld.NOT_ITS_TURN:
        return answer
    if answer.withheld is None and attempt.sends < SENDS_MAX:
        return answer
    return Answer(
        outcome=Outcome.FAILED,
        reason=answer.reason or Reason.UNAVAILABLE,
        code=answer.code,
        message=answer.message,
        request=answer.request,
        response=answer.response,
    )


@retried
def _free_for_resend(attempt_id: int, *, was_tried: bool) -> None:
    """Let the next sweep send again, with the same reference."""
    MobileMoneyTransaction.objects.filter(pk=attempt_id, status=State.PENDING).update(
        resend_due=True,
        sends=F("sends") if was_tried else F("sends") - 1,
        next_check_at=timezone.now() + RESEND_AFTER,
        updated_at=timezone.now(),
    )


@retried
def _remember(attempt_id: int, answer: Answer) -> None:
    """Keep what was sent and answered; a callback may have been faster and is not overwritten."""
    attempt = attempt_for_update(attempt_id)
    attempt.api_request = dict(answer.request)
    attempt.api_response = dict(answer.response)
    if not attempt.provider_status:
        attempt.provider_status = answer.code[:50]
    if answer.provider_reference and not attempt.provider_reference:
        attempt.provider_reference = answer.provider_reference
    attempt.save()
