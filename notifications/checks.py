"""System checks of the channels' settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

from notifications.channels.registry import CREDENTIALS

SENDER_CHARACTERS_MAX = 11


def check_channels(**_: Any) -> list[checks.CheckMessage]:
    """`notifications.E001` a channel with some of its settings, or chosen without them; `E002` a
    sender's name that networks do not take.
    """
    found: list[checks.CheckMessage] = []
    for channel, names in CREDENTIALS.items():
        missing = [name for name in names if not getattr(settings, name)]
        if missing and (channel == settings.SMS_CHANNEL or len(missing) < len(names)):
            found.append(
                checks.Error(
                    f"SMS by {channel} has not all its settings: {', '.join(missing)} missing.",
                    hint="Set all of them; or none, with another SMS_CHANNEL.",
                    id="notifications.E001",
                )
            )
        sender = getattr(settings, names[-1])
        if len(sender) > SENDER_CHARACTERS_MAX:
            found.append(
                checks.Error(
                    f"{names[-1]} is longer than {SENDER_CHARACTERS_MAX} characters.",
                    hint="Write the name as it is registered and approved.",
                    id="notifications.E002",
                )
            )
    return found
