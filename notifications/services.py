"""The only way to tell somebody something, and the sending of what was queued."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from common.queue import hurry, hurry_on_commit
from notifications.channels.base import NotAccepted
from notifications.channels.registry import sms_channel
from notifications.messages import render
from notifications.models import Message

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 5
SENDING_LOST_AFTER = timedelta(minutes=1)
HURRY_LOST_AFTER = timedelta(seconds=3)
BATCH = 200


def queue_message(
    *, message_id: str, to: str, language: str, context: Mapping[str, Any], key: str
) -> None:
    """Write a message into the outbox, inside the caller's transaction; the same key again does
    nothing. `to` is E.164.
    """
    from notifications.tasks import send_message

    message = Message(
        key=key,
        message_id=message_id,
        to=to,
        language=language,
        context=dict(context),
        text=render(message_id, language, context),
        next_attempt_at=timezone.now() + HURRY_LOST_AFTER,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    hurry_on_commit(send_message, key)


def send_queued(*, key: str) -> None:
    """Send one message, if nobody is sending it; safe to repeat.

    A sender that dies in between leaves `sending`, which becomes `unknown`: an SMS that may have gone
    out is not sent a second time.
    """
    is_ours = Message.objects.filter(key=key, state=Message.State.QUEUED).update(
        state=Message.State.SENDING, next_attempt_at=timezone.now() + SENDING_LOST_AFTER
    )
    if not is_ours:
        return
    message = Message.objects.get(key=key)
    channel = sms_channel()
    message.channel = channel.name
    message.attempts += 1
    try:
        channel.send(to=message.to, text=message.text)
    except NotAccepted as refusal:
        _try_later_or_give_up(message, refusal)
    else:
        message.state = Message.State.SENT
        message.sent_at = timezone.now()
        message.next_attempt_at = None
    message.save()


def sweep_outbox() -> int:
    """Queue what is due, and note what a dead sender left behind. Returns how many were queued."""
    from notifications.tasks import send_message

    now = timezone.now()
    Message.objects.filter(state=Message.State.SENDING, next_attempt_at__lte=now).update(
        state=Message.State.UNKNOWN, next_attempt_at=None
    )
    due = Message.objects.filter(state=Message.State.QUEUED, next_attempt_at__lte=now)
    keys = list(due.order_by("next_attempt_at").values_list("key", flat=True)[:BATCH])
    for key in keys:
        is_ours = Message.objects.filter(key=key, next_attempt_at__lte=now).update(
            next_attempt_at=now + HURRY_LOST_AFTER
        )
        if is_ours:
            hurry(send_message, key)
    return len(keys)


def _try_later_or_give_up(message: Message, refusal: NotAccepted) -> None:
    message.error = str(refusal)[:255]
    if refusal.permanent or message.attempts >= ATTEMPTS_MAX:
        message.state = Message.State.FAILED
        message.next_attempt_at = None
        logger.warning("message %s is given up: %s", message.pk, refusal)
        return
    message.state = Message.State.QUEUED
    message.next_attempt_at = timezone.now() + timedelta(seconds=30 * 2**message.attempts)
