"""Whether a failure that was told is asked about once more: its word is not always the last one."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from payments.models import MobileMoneyTransaction, PaymentEvent
from payments.polling import SECOND_LOOK_AFTER
from payments.providers import registry
from payments.providers.base import Answer, Reason


def is_askable(attempt: MobileMoneyTransaction) -> bool:
    """Whether the provider has a question for this attempt, at some time."""
    description = registry.by_dialect(attempt.dialect).description
    if attempt.posted_at is None or not description.can_query:
        return False
    return description.query_without_handle or bool(attempt.provider_reference)


def second_look_at(attempt: MobileMoneyTransaction, answer: Answer, source: str) -> datetime | None:
    """When to ask about an attempt that a provider has just told to have failed; None for never.

    A provider may call a prompt unanswered and take its money after all (M-Pesa 2.5 and trap 1); and
    callbacks contradict each other, come in any order and get lost. Its record, asked once all that is
    over, does not. What the record itself or the answer to our request refuses for a reason of the
    customer's (a wrong PIN, too little money, a cancel) stays refused.
    """
    is_by_callback = source == PaymentEvent.Source.WEBHOOK
    is_unanswered = answer.reason == Reason.NO_ANSWER and source != PaymentEvent.Source.STAFF
    if (is_by_callback or is_unanswered) and is_askable(attempt):
        return timezone.now() + SECOND_LOOK_AFTER
    return None
