"""Writes messages into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from common.queue import hurry_on_commit
from notifications.messages import Kind, kind_of, render
from notifications.models import Message
from notifications.segments import gsm7

HURRY_LOST_AFTER = timedelta(seconds=3)
# A code is good for five minutes (accounts.services.codes); other news is old after a day.
WORTH_SENDING = {Kind.CODE: timedelta(minutes=5)}
WORTH_SENDING_DEFAULT = timedelta(hours=24)
WHY_CHARACTERS_MAX = 220


def queue_message(
    *, message_id: str, to: str, language: str, context: Mapping[str, Any], key: str
) -> None:
    """Write a message into the outbox, inside the caller's transaction; the same key again does
    nothing. `to` is E.164, or an e-mail address.
    """
    enqueue(
        Message(
            key=key,
            message_id=message_id,
            to=to,
            language=language,
            context=dict(context),
            text=_text(message_id, to, language, context),
        )
    )


def _text(message_id: str, to: str, language: str, context: Mapping[str, Any]) -> str:
    """An SMS has the letters that each channel can send, and staff's words only as far as two carry
    them; a letter has room.
    """
    if "@" in to:
        return render(message_id, language, context)
    words = dict(context)
    if "why" in words:
        words["why"] = _shortened(gsm7(words["why"]))
    return gsm7(render(message_id, language, words))


def _shortened(why: str) -> str:
    return why if len(why) <= WHY_CHARACTERS_MAX else f"{why[: WHY_CHARACTERS_MAX - 3]}..."


def enqueue(message: Message) -> None:
    """Have it sent as soon as the transaction is committed, unless its key is known."""
    from notifications.tasks import send_message

    now = timezone.now()
    message.next_attempt_at = now + HURRY_LOST_AFTER
    message.expires_at = now + WORTH_SENDING.get(kind_of(message.message_id), WORTH_SENDING_DEFAULT)
    Message.objects.bulk_create([message], ignore_conflicts=True)
    hurry_on_commit(send_message, message.key)
