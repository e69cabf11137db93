"""Lets a gateway's agent remove more devices at once than it does by itself."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from common.transactions import retried
from vpn.models import Gateway
from vpn.services.wake import wake_agent

ALLOWED_FOR = timedelta(minutes=10)  # docs/agent-protocol.md


@retried
def allow_shrink(*, gateway: Gateway) -> None:
    """For ten minutes from now."""
    Gateway.objects.filter(pk=gateway.pk).update(may_shrink_until=timezone.now() + ALLOWED_FOR)
    wake_agent(gateway.pk)
