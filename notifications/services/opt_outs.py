"""Phones whose holders want no messages, as a channel knows them; reminders are kept from them."""

from __future__ import annotations

from notifications.messages import Kind, kind_of
from notifications.models import Message, OptOut


def note_opt_out(*, phone: str, channel: str, why: str) -> None:
    """Remember the wish, once; safe to repeat."""
    wish = OptOut(phone=phone, channel=channel, why=why[:255])
    OptOut.objects.bulk_create([wish], ignore_conflicts=True)


def end_opt_out(*, phone: str, channel: str) -> None:
    """The channel that told of the wish takes messages to the phone again."""
    OptOut.objects.filter(phone=phone, channel=channel).delete()


def wish_against(message: Message) -> OptOut | None:
    """What keeps it from being sent: it is a mere reminder, to somebody who wants none."""
    if kind_of(message.message_id) != Kind.REMINDER:
        return None
    return OptOut.objects.filter(phone=message.to).first()
