"""Forgets whom messages went to, and what they said: nobody needs that of their reader any more."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from notifications.models import Message, OptOut


def forget_messages_to(reader: str) -> None:
    """Of a phone or an address, inside the caller's transaction. That an event was told, and when, is kept; what waits is not sent."""
    theirs = Message.objects.filter(to=reader)
    theirs.filter(state=Message.State.QUEUED).update(
        state=Message.State.FAILED, next_attempt_at=None, error="The account was deleted."
    )
    _forget(theirs)
    OptOut.objects.filter(phone=reader).delete()


def forget_messages(keys: Collection[str]) -> None:
    """The same of old messages by their keys."""
    _forget(Message.objects.filter(key__in=keys))


def _forget(messages: QuerySet[Message]) -> None:
    messages.update(to="", text="", context={})
