"""Asks what became of messages whose delivery nobody has reported: a few times, then no more."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from time import monotonic

from django.utils import timezone

from notifications.channels.base import InDoubt, NotAccepted
from notifications.channels.registry import ASKED
from notifications.models import Message
from notifications.services.reports import keep_report

logger = logging.getLogger(__name__)

# After the sending; not every network reports, so what is unknown after two days stays so (fact sheet, 8).
LOOKS_AFTER = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=12), timedelta(hours=48))
# No rate is published (fact sheet, 10): one call at a time, and so many at most in a run.
BATCH = 30
RUN_SECONDS = 45


def next_look(message: Message, now: datetime) -> datetime | None:
    """When the channel is asked next; None where it cannot be, or has been often enough."""
    if message.channel not in ASKED or not message.reference or message.sent_at is None:
        return None
    looks = (message.sent_at + after for after in LOOKS_AFTER)
    return next((look for look in looks if look > now), None)


def ask_deliveries() -> int:
    """Ask of each message whose time has come, until a channel gives no answer. Returns how many."""
    now, end = timezone.now(), monotonic() + RUN_SECONDS
    due = Message.objects.filter(ask_at__lte=now).order_by("ask_at")
    asked = 0
    for message in list(due[:BATCH]):
        if monotonic() > end:
            break
        is_ours = Message.objects.filter(pk=message.pk, ask_at=message.ask_at)
        if not is_ours.update(ask_at=next_look(message, now)):
            continue
        asked += 1
        try:
            _ask(message)
        except (NotAccepted, InDoubt) as trouble:
            logger.warning("%s does not tell of deliveries: %s", message.channel, trouble)
            break
    return asked


def _ask(message: Message) -> None:
    """Only what is known of it: its reader's account may be deleted by now."""
    if not message.to:
        return
    channel = ASKED[message.channel]()
    for facts in channel.told_of(to=message.to, reference=message.reference):
        keep_report(channel=message.channel, facts=facts)
