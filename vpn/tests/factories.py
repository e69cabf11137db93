"""Gateways as their agents have enrolled them."""

from __future__ import annotations

from typing import Any

from vpn.keys import new_key_pair
from vpn.models import Gateway
from vpn.services.seed import ensure_first_gateway


def first_gateway() -> Gateway:
    """The seeded gateway, with the public key that an agent would have brought."""
    gateway = ensure_first_gateway()
    if gateway.public_key is None:
        gateway.public_key = new_key_pair().public
        gateway.save(update_fields=["public_key"])
    return gateway


def another_gateway(**changes: Any) -> Gateway:
    """One more of the platform's, with a range of its own."""
    number = Gateway.objects.count() + 8
    values: dict[str, Any] = {
        "name": f"gateway-{number}",
        "endpoint_host": f"gw{number}.example.com",
        "endpoint_port": 51820,
        "range4": f"10.{number}.0.0/16",
        "public_key": new_key_pair().public,
        **changes,
    }
    return Gateway.objects.create(**values)
