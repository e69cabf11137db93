"""What bundles tells the apps that deliver: handlers run inside the transaction that made it true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.hooks import Hook

if TYPE_CHECKING:
    from bundles.models import Subscription

subscription_begun: Hook[Subscription] = Hook("subscription_begun")
"""A subscription was made: nothing was delivered for it yet. Handlers touch only the database."""

subscription_extended: Hook[Subscription] = Hook("subscription_extended")
"""A subscription got more time and data, or lost some of it. Handlers touch only the database and may be called twice."""

subscription_shortened: Hook[Subscription] = Hook("subscription_shortened")
"""A subscription goes on with less time and data. Handlers touch only the database."""

subscription_ready: Hook[Subscription] = Hook("subscription_ready")
"""What a subscription's purchase gave is committed: the customer can be told. Handlers touch only the
database and may be called twice."""

subscription_ended: Hook[Subscription] = Hook("subscription_ended")
"""A subscription's time is over; its customer may buy the bundle again."""

subscription_withdrawn: Hook[Subscription] = Hook("subscription_withdrawn")
"""A subscription was ended before its time: its money is gone, or staff have taken it away."""
