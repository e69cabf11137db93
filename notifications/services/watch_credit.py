"""Asks the SMS providers what is left of our credit, so that staff top it up before it is used up."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.cache import cache

from notifications.channels.base import Credit, InDoubt, NotAccepted
from notifications.channels.registry import PREPAID, prepaid_channels

logger = logging.getLogger(__name__)

# Longer than a provider is usually away, and short enough that nobody trusts what is old.
KNOWN_FOR = timedelta(hours=3)


def watch_credit() -> int:
    """Ask each provider that is set up. Returns how many told."""
    told = 0
    for name, channel in prepaid_channels():
        try:
            credit = channel.credit()
        except (NotAccepted, InDoubt) as trouble:
            logger.warning("%s does not tell what is left of our credit: %s", name, trouble)
            continue
        cache.set(_key(name), (credit.amount, credit.unit), timeout=KNOWN_FOR.total_seconds())
        told += 1
    return told


def credits_left() -> dict[str, Credit]:
    """By channel, what was told lately. Raises RedisError."""
    known = cache.get_many([_key(name) for name in PREPAID])
    return {name: Credit(*known[_key(name)]) for name in PREPAID if _key(name) in known}


def _key(channel: str) -> str:
    return f"sms_credit:{channel}"
