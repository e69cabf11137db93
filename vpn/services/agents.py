"""Which gateway's agent is asking."""

from __future__ import annotations

import hashlib
import hmac

from vpn.errors import GatewayUnknown
from vpn.models import Gateway

SCHEME = "Bearer "


def agent_of(authorization: str) -> Gateway:
    """The gateway whose secret an Authorization header brings. Raises GatewayUnknown.

    A secret is `<gateway id>.<random>`.
    """
    secret = authorization.removeprefix(SCHEME)
    gateway_id = secret.partition(".")[0]
    if authorization.startswith(SCHEME) and gateway_id.isascii() and gateway_id.isdigit():
        gateway = Gateway.objects.filter(pk=int(gateway_id[:18])).first()
        told = hashlib.sha256(secret.encode()).hexdigest()
        if gateway is not None and hmac.compare_digest(told, gateway.secret_hash):
            return gateway
    raise GatewayUnknown("This is no gateway's secret, or an old one.")
