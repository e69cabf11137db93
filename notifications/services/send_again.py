"""Has a message sent again, because staff know that its reader has not got it."""

from __future__ import annotations

from notifications.errors import NotToBeSentAgain
from notifications.messages import TEXTS, Kind, kind_of, secrets_in
from notifications.models import Message
from notifications.services.queue import enqueue

ON_ITS_WAY = (Message.State.QUEUED, Message.State.SENDING)


def send_again(*, message: Message, key: str) -> Message:
    """A new message of the same words, inside the caller's transaction; the same key again gives the
    same one. Raises NotToBeSentAgain.
    """
    if trouble := why_not_again(message):
        raise NotToBeSentAgain(trouble)
    again = Message(
        key=f"again:{message.pk}:{key}",
        message_id=message.message_id,
        to=message.to,
        language=message.language,
        context=message.context,
        text=message.text,
        again_of=message.again_of or message,
    )
    enqueue(again)
    return Message.objects.get(key=again.key)


def why_not_again(message: Message) -> str:
    """A sentence for staff; "" for a message that may be sent again."""
    if message.state in ON_ITS_WAY:
        return "It is still on its way."
    if not message.to:
        return "It is old, or its reader's account was deleted: nobody knows any more what it said."
    if message.message_id not in TEXTS or kind_of(message.message_id) == Kind.CODE:
        return "A code is good for minutes: its reader asks for another."
    if secrets_in(message.message_id) - set(message.context):
        return "Its link is too old: have the device's configuration sent again."
    return ""
