"""Which gateway's agent is asking."""

from __future__ import annotations

import hmac

from cases.models import CaseKind
from cases.services import open_case
from vpn.errors import GatewayUnknown
from vpn.models import Gateway
from vpn.services.enrol import hash_of

SCHEME = "Bearer "


def agent_of(authorization: str) -> Gateway:
    """The gateway whose secret an Authorization header brings. Raises GatewayUnknown.

    A secret is `<gateway id>.<random>`. Whoever names a gateway of ours with another one has a case
    opened: an old machine that still runs, or somebody who tries.
    """
    secret = authorization.removeprefix(SCHEME)
    gateway_id = secret.partition(".")[0]
    is_one = authorization.startswith(SCHEME) and gateway_id.isascii() and gateway_id.isdigit()
    gateway = Gateway.objects.filter(pk=int(gateway_id[:18])).first() if is_one else None
    if gateway is not None and hmac.compare_digest(hash_of(secret), gateway.secret_hash):
        return gateway
    if gateway is not None and gateway.secret_hash:
        open_case(
            kind=CaseKind.GATEWAY_CREDENTIAL,
            subject=f"gateway:{gateway.pk}",
            detail="Its name was used with a wrong or an old secret.",
        )
    raise GatewayUnknown("This is no gateway's secret, or an old one.")
