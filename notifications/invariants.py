"""What must hold of the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from common.invariants import Invariant, Offender, offenders
from notifications.models import Message

OVERDUE = timedelta(minutes=15)


def _forgotten() -> Iterator[Offender]:
    waiting = Message.objects.filter(state__in=[Message.State.QUEUED, Message.State.SENDING])
    forgotten = Q(next_attempt_at=None) | Q(next_attempt_at__lt=timezone.now() - OVERDUE)
    return offenders(
        waiting.filter(forgotten).order_by("pk").values("key", "state", "next_attempt_at"),
        subject="message:{key}",
        trouble="{state}, and its next time is {next_attempt_at}",
    )


INVARIANTS = (Invariant("I-15e", "No message of the outbox is forgotten", _forgotten),)
