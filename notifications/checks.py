"""System checks of the channels' settings."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core import checks

from notifications.channels.registry import CREDENTIALS

SENDER = re.compile(r".{0,11}|\+?[0-9]{12,15}")  # fact sheet, 1.1


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
        if not SENDER.fullmatch(getattr(settings, names[-1])):
            found.append(
                checks.Error(
                    f"{names[-1]} is no name of at most 11 characters, and no international number.",
                    hint="Write it as it is registered and approved.",
                    id="notifications.E002",
                )
            )
    return found


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    """`notifications.W001` SMS that reach no phone, for `check --deploy`."""
    if settings.SMS_CHANNEL != "console":
        return []
    return [
        checks.Warning(
            "SMS are written to the log, with their codes and links, and reach no phone.",
            hint="Set SMS_CHANNEL to beem or africastalking.",
            id="notifications.W001",
        )
    ]
