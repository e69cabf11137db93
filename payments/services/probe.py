"""Tries providers that were left alone, so that no customer's payment has to."""

from __future__ import annotations

from payments.providers import registry
from payments.providers.breaker import BreakerState


def probe_providers() -> int:
    """Ask each enabled provider whose pause is over for a token. Returns how many were asked."""
    waiting = [
        dialect.name
        for dialect in registry.DIALECTS
        if registry.is_enabled(dialect)
        and registry.gate(dialect.name).state == BreakerState.HALF_OPEN
    ]
    for name in waiting:
        registry.by_dialect(name).health()
    return len(waiting)
