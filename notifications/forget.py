"""Forgets whom messages went to, and what they said, when their reader's account is deleted."""

from __future__ import annotations

from notifications.models import Message, OptOut


def forget_messages_to(reader: str) -> None:
    """Of a phone or an address, inside the caller's transaction. That an event was told, and when, is kept; what waits is not sent."""
    theirs = Message.objects.filter(to=reader)
    theirs.filter(state=Message.State.QUEUED).update(
        state=Message.State.FAILED, next_attempt_at=None, error="The account was deleted."
    )
    theirs.update(to="", text="", context={})
    OptOut.objects.filter(phone=reader).delete()
