"""Sends what was queued: once, and a second time only where that is sure to be the first or does
no harm.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from common import phone as phones
from common.queue import hurry
from notifications.channels.base import (
    TROUBLE_OF_THE_CHANNEL,
    Channel,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotAccepted,
    TurnedAway,
    Unwanted,
)
from notifications.channels.registry import breaker, channels_for
from notifications.messages import Kind, kind_of, subject
from notifications.models import Message
from notifications.services.ask_deliveries import next_look
from notifications.services.opt_outs import note_opt_out, wish_against
from notifications.services.reports import apply_reports

logger = logging.getLogger(__name__)

SENDING_LOST_AFTER = timedelta(minutes=2)  # longer than a call to each channel takes
# After a refusal that may not be the last word, by how often it was tried; then every ten minutes.
BACK_OFF = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
# While a slow channel works through them, what waits is not queued over and over.
SWEPT_LOST_AFTER = timedelta(seconds=30)
HELD_BACK_FOR = timedelta(seconds=30)
TRIES_WHERE_TURNED_AWAY = 2
RE_SENDINGS = {Kind.RECEIPT: 1}  # after a doubt (fact sheet, 7)
BATCH = 200

State = Message.State


def send_queued(*, key: str) -> None:
    """Send one message, if nobody is sending it; safe to repeat.

    A sender that dies in between leaves `sending`, which is a doubt like that of a time-out.
    """
    now = timezone.now()
    is_ours = (
        Message.objects.filter(key=key, state=State.QUEUED)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .update(state=State.SENDING, next_attempt_at=now + SENDING_LOST_AFTER)
    )
    if not is_ours:
        return
    message = Message.objects.get(key=key)
    if wish := wish_against(message):
        message.channel = wish.channel
        _give_up(message, "Its reader wants no messages.")
        _keep(message)
        return
    message.attempts += 1
    try:
        message.reference = _sent(message)[:100]
    except HeldBack as refusal:
        message.attempts -= 1
        _wait(message, refusal, HELD_BACK_FOR)
    except Unwanted as wish:
        note_opt_out(phone=message.to, channel=message.channel, why=str(wish))
        _give_up(message, str(wish))
    except NotAccepted as refusal:
        _try_later_or_give_up(message, refusal)
    except InDoubt as doubt:
        note_doubt(message, f"no answer to rely on: {doubt}")
    else:
        message.state = State.SENT
        message.sent_at = timezone.now()
        message.next_attempt_at = None
        message.ask_at = next_look(message, message.sent_at)
    if _keep(message) and message.reference:
        apply_reports(channel=message.channel, reference=message.reference)


def sweep_outbox() -> int:
    """Queue what is due, give up what is too old, and note what a dead sender left behind.

    Returns how many were queued.
    """
    from notifications.tasks import send_message

    now = timezone.now()
    too_old = Message.objects.filter(state=State.QUEUED, expires_at__lte=now)
    for message in too_old[:BATCH]:
        _give_up(message, "It was not sent in time.")
        _keep(message, State.QUEUED)
    for message in Message.objects.filter(state=State.SENDING, next_attempt_at__lte=now)[:BATCH]:
        note_doubt(message, "its sender died")
        _keep(message)
    due = Message.objects.filter(state=State.QUEUED, next_attempt_at__lte=now)
    keys = list(due.order_by("next_attempt_at").values_list("key", flat=True)[:BATCH])
    for key in keys:
        is_ours = Message.objects.filter(key=key, next_attempt_at__lte=now).update(
            next_attempt_at=now + SWEPT_LOST_AFTER
        )
        if is_ours:
            hurry(send_message, key)
    return len(keys)


def note_doubt(message: Message, what: str) -> None:
    """Nobody knows whether it went out: it is sent again only where its kind allows."""
    message.doubts += 1
    if message.doubts <= RE_SENDINGS.get(kind_of(message.message_id), 0):
        _wait(message, what, BACK_OFF[0])
        return
    message.state = State.UNKNOWN
    message.error = _masked(what)
    message.next_attempt_at = None


def _sent(message: Message) -> str:
    """The reference of the first channel that takes it. The next is asked only when this one has
    certainly not sent it, for a reason that is the channel's own.
    """
    refusals: list[NotAccepted] = []
    for channel in channels_for(message.to):
        message.channel = channel.name
        try:
            reference = _sent_by(channel, message)
        except TROUBLE_OF_THE_CHANNEL as refusal:
            if isinstance(refusal, Misconfigured):
                words = _masked(refusal)
                logger.error("messages by %s are refused until staff act: %s", channel.name, words)
            refusals.append(refusal)
        else:
            message.error = _masked("; ".join(map(str, refusals)))
            return reference
    raise min(refusals, key=lambda refusal: refusal.permanent)  # what may pass, if any may


def _sent_by(channel: Channel, message: Message) -> str:
    with breaker(channel.name).calling():
        return channel.send(
            to=message.to,
            text=message.text,
            subject=subject(message.message_id, message.language),
        )


def _try_later_or_give_up(message: Message, refusal: NotAccepted) -> None:
    is_over = isinstance(refusal, TurnedAway) and message.attempts >= TRIES_WHERE_TURNED_AWAY
    if not (refusal.permanent or is_over):
        tried = min(message.attempts, len(BACK_OFF))
        _wait(message, refusal, BACK_OFF[tried - 1])
        return
    _give_up(message, str(refusal))


def _give_up(message: Message, why: str) -> None:
    """What was in doubt before stays in doubt, whatever a second sending came to."""
    message.state = State.UNKNOWN if message.doubts else State.FAILED
    message.error = _masked(why)
    message.next_attempt_at = None
    logger.warning("message %s is given up: %s", message.pk, message.error)


def _wait(message: Message, why: object, pause: timedelta) -> None:
    message.state = State.QUEUED
    message.error = _masked(why)
    message.next_attempt_at = timezone.now() + pause


def _masked(words: object) -> str:
    """What a provider said, without the number that it may have named: rows and logs outlive `to`."""
    return phones.mask_within(str(words))[:255]


def _keep(message: Message, before: State = State.SENDING) -> bool:
    """Write what became of it, unless somebody else has done so meanwhile."""
    return bool(
        Message.objects.filter(pk=message.pk, state=before).update(
            state=message.state,
            channel=message.channel,
            attempts=message.attempts,
            doubts=message.doubts,
            error=message.error,
            reference=message.reference,
            sent_at=message.sent_at,
            ask_at=message.ask_at,
            next_attempt_at=message.next_attempt_at,
        )
    )
