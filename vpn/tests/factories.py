"""A gateway as its agent has enrolled it."""

from __future__ import annotations

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
