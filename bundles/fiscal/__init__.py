"""Fiscal receipts: what a sale hands over, and the channels that bring it to the tax office."""

from __future__ import annotations

from bundles.fiscal.channel import Channel
from bundles.fiscal.null import NullChannel

_channel: Channel = NullChannel()


def channel() -> Channel:
    """The channel that sales go by from now on."""
    return _channel
