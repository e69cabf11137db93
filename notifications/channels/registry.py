"""The channels there are, by the value of `SMS_CHANNEL`."""

from __future__ import annotations

from django.conf import settings

from notifications.channels.base import Channel
from notifications.channels.console import ConsoleChannel

CHANNELS: dict[str, type[Channel]] = {"console": ConsoleChannel}


def sms_channel() -> Channel:
    """The configured channel."""
    return CHANNELS[settings.SMS_CHANNEL]()
