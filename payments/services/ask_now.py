"""Asks a provider because a person wants to know now, without making that person wait for it."""

from __future__ import annotations

import time

from django.utils import timezone

from common.queue import hurry
from payments.models import MobileMoneyTransaction, Payment
from payments.selectors import latest_attempt
from payments.services.query import can_ask_now

WAIT_SECONDS = 8  # the app gives up after 30
LOOK_EVERY_SECONDS = 0.1


def ask_now(*, payment: Payment) -> bool:
    """Have a worker ask, and wait a little for the answer. Returns whether an answer came.

    A payment that cannot be asked about now is left alone.
    """
    from payments.tasks import check

    attempt = latest_attempt(payment)
    if attempt is None or not can_ask_now(attempt, timezone.now()):
        return False
    hurry(check, attempt.pk)
    return _wait_for_answer(attempt)


def _wait_for_answer(attempt: MobileMoneyTransaction) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    asked = MobileMoneyTransaction.objects.filter(pk=attempt.pk, checks__gt=attempt.checks)
    while time.monotonic() < deadline:
        if asked.exists():
            return True
        time.sleep(LOOK_EVERY_SECONDS)
    return False
