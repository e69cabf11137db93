"""Phones whose holders want no messages, as a channel knows them; reminders are kept from them."""

from __future__ import annotations

from notifications.messages import Kind, kind_of
from notifications.models import Message, OptOut

HOLDERS_OWN = "its holder wrote to the sender"


def note_opt_out(*, phone: str, channel: str, why: str) -> None:
    """Remember that the channel sends nothing to the phone, once; safe to repeat."""
    wish = OptOut(phone=phone, channel=channel, why=why[:255])
    OptOut.objects.bulk_create([wish], ignore_conflicts=True)


def note_wish(*, phone: str, channel: str) -> None:
    """The phone's holder wants no messages: consent withdrawn, which no delivery gives back."""
    note_opt_out(phone=phone, channel=channel, why=HOLDERS_OWN)
    OptOut.objects.filter(phone=phone).update(why=HOLDERS_OWN)


def end_opt_out(message: Message) -> None:
    """A message is on a phone that its channel had on a list: it is on the list no more."""
    noted = OptOut.objects.filter(phone=message.to, channel=message.channel)
    noted.filter(since__lt=message.sent_at).exclude(why=HOLDERS_OWN).delete()


def wish_against(message: Message) -> OptOut | None:
    """What keeps it from being sent: it is a mere reminder, to somebody who wants none."""
    if kind_of(message.message_id) != Kind.REMINDER:
        return None
    return OptOut.objects.filter(phone=message.to).first()
