"""The providers of payments' tests, and a listener in the place of those who deliver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bundles import hooks
from bundles.models import Subscription
from payments.tests.conftest import providers as providers
from payments.tests.conftest import wire as wire


@pytest.fixture(autouse=True)
def delivered() -> Iterator[list[Subscription]]:
    """What was told to be delivered."""
    told: list[Subscription] = []
    delivering = (hooks.subscription_begun, hooks.subscription_extended)
    ending = (hooks.subscription_ended, hooks.subscription_withdrawn)
    replaced = (*delivering, hooks.subscription_shortened, hooks.subscription_ready, *ending)
    kept = [list(hook._handlers) for hook in replaced]
    for hook in replaced:
        hook._handlers.clear()
    for hook in delivering:
        hook.register(told.append)
    yield told
    for hook, handlers in zip(replaced, kept, strict=True):
        hook._handlers[:] = handlers
