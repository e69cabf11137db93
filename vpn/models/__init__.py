"""What is delivered: gateways, the peers that customers are on them, and what those use."""

from vpn.models.gateways import EMPTY_DIGEST, Address, Gateway
from vpn.models.peers import LIVE, ConfigLink, Peer
from vpn.models.usage import Connection, Usage

__all__ = [
    "EMPTY_DIGEST",
    "LIVE",
    "Address",
    "ConfigLink",
    "Connection",
    "Gateway",
    "Peer",
    "Usage",
]
