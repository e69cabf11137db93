"""The channels there are, each built with its configuration from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from django.conf import settings

from common.shared_redis import SharedRedis
from notifications.channels import africastalking, beem
from notifications.channels.africastalking import AfricasTalking, AfricasTalkingConfig
from notifications.channels.base import Asked, Channel, Prepaid
from notifications.channels.beem import Beem, BeemConfig
from notifications.channels.breaker import ChannelBreaker
from notifications.channels.console import ConsoleChannel
from notifications.channels.email import EmailChannel
from notifications.channels.reports import Report


def _beem() -> Beem:
    return Beem(
        BeemConfig(
            api_key=settings.BEEM_API_KEY,
            secret_key=settings.BEEM_SECRET_KEY,
            sender=settings.BEEM_SENDER,
            base_url=settings.BEEM_BASE_URL,
        )
    )


def _africastalking() -> AfricasTalking:
    return AfricasTalking(
        AfricasTalkingConfig(
            username=settings.AFRICASTALKING_USERNAME,
            api_key=settings.AFRICASTALKING_API_KEY,
            sender=settings.AFRICASTALKING_SENDER,
            base_url=settings.AFRICASTALKING_BASE_URL,
        )
    )


# By the value of SMS_CHANNEL.
SMS_CHANNELS: Mapping[str, Callable[[], Channel]] = {
    "console": ConsoleChannel,
    "beem": _beem,
    "africastalking": _africastalking,
}
CHANNELS = (*SMS_CHANNELS, EmailChannel.name)
# What the settings of a channel are; all are needed where it is chosen.
CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "beem": ("BEEM_API_KEY", "BEEM_SECRET_KEY", "BEEM_SENDER"),
    "africastalking": (
        "AFRICASTALKING_USERNAME",
        "AFRICASTALKING_API_KEY",
        "AFRICASTALKING_SENDER",
    ),
}
# Africa's Talking only tells by itself (fact sheet, 0).
ASKED: Mapping[str, Callable[[], Asked]] = {"beem": _beem}
PREPAID: Mapping[str, Callable[[], Prepaid]] = {"beem": _beem, "africastalking": _africastalking}
REPORTS: Mapping[str, Callable[[Mapping[str, Any]], Report]] = {
    "beem": beem.read_report,
    "africastalking": africastalking.read_report,
}
OPT_OUTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "africastalking": africastalking.read_opt_out,
}


def channels_for(to: str) -> list[Channel]:
    """E-mail for an address; else the SMS channel that is chosen, and behind it the other one where
    it has all its settings too.
    """
    if "@" in to:
        return [EmailChannel()]
    chosen = settings.SMS_CHANNEL
    others = [name for name in CREDENTIALS if name != chosen and _is_set_up(name)]
    names = [chosen, *others] if chosen in CREDENTIALS else [chosen]
    return [SMS_CHANNELS[name]() for name in names]


def prepaid_channels() -> Iterator[tuple[str, Prepaid]]:
    """Those that have all their settings, by name."""
    return ((name, build()) for name, build in PREPAID.items() if _is_set_up(name))


def _is_set_up(name: str) -> bool:
    return all(getattr(settings, setting) for setting in CREDENTIALS[name])


@cache
def breaker(name: str) -> ChannelBreaker:
    """What all sendings by a channel pass."""
    return ChannelBreaker(SharedRedis(settings.REDIS_URL), name)
