"""The record of one call to a provider, completed by its answer."""

from __future__ import annotations

from django.utils import timezone

from payments.models import ProviderCall
from payments.providers.base import Answer


def finish_call(call: ProviderCall, answer: Answer) -> None:
    """Store the answer of a call that was recorded before it was made."""
    call.finished_at = timezone.now()
    call.outcome = answer.outcome
    call.code = answer.code[:50]
    call.message = answer.message[:255]
    call.request = dict(answer.request)
    call.response = dict(answer.response)
    call.save()
