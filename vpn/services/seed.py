"""The first gateway, from the settings."""

from __future__ import annotations

from django.conf import settings

from common.transactions import retried
from vpn.models import Gateway
from vpn.networks import room


@retried
def ensure_first_gateway() -> Gateway:
    """The gateway that the `VPN_` settings describe, made if there is none; its agent is to enrol."""
    existing = Gateway.objects.first()
    if existing is not None:
        return existing
    host, _, port = settings.VPN_ENDPOINT.rpartition(":")
    gateway = Gateway(
        name="first",
        endpoint_host=host.strip("[]"),
        endpoint_port=int(port),
        range4=settings.VPN_RANGE4,
        range6=settings.VPN_RANGE6,
        dns=settings.VPN_DNS,
    )
    gateway.capacity = min(gateway.capacity, room(gateway.range4))
    gateway.save()
    return gateway
