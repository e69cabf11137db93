"""What vpn does when bundles tells of a subscription; registered in `apps.py`."""

from __future__ import annotations

from bundles.models import Subscription
from vpn.services.keep import suspend_all
from vpn.services.provision import provision, provision_first
from vpn.services.publish import publish_subscription
from vpn.services.revoke import revoke_all
from vpn.services.tell import tell_ready


def deliver(subscription: Subscription) -> None:
    """A subscription began."""
    provision_first(subscription=subscription)


def deliver_again(subscription: Subscription) -> None:
    """A subscription was extended."""
    provision(subscription=subscription)


def serve_less(subscription: Subscription) -> None:
    """A subscription goes on with less."""
    publish_subscription(subscription)


def tell(subscription: Subscription) -> None:
    """The customer can connect."""
    tell_ready(subscription=subscription)


def suspend(subscription: Subscription) -> None:
    """A subscription's time is over."""
    suspend_all(subscription=subscription)


def withdraw(subscription: Subscription) -> None:
    """A subscription was taken away."""
    revoke_all(subscription=subscription)
