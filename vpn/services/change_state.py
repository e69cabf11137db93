"""Lets a gateway take new customers, keep only those it has, or none."""

from __future__ import annotations

from common.transactions import retried
from vpn.models import Gateway


@retried
def change_state(*, gateway: Gateway, state: Gateway.State) -> None:
    """Nobody's device is moved; safe to repeat."""
    locked = Gateway.objects.select_for_update().get(pk=gateway.pk)
    locked.state = state
    locked.save(update_fields=["state"])
