"""What is delivered: gateways, the peers that customers are on them, and what those use."""

from vpn.models.gateways import EMPTY_DIGEST, SILENT_AFTER, Address, Gateway
from vpn.models.peers import LIVE, ONLINE_FOR, ConfigLink, Peer
from vpn.models.usage import Connection, Usage

__all__ = [
    "EMPTY_DIGEST",
    "LIVE",
    "ONLINE_FOR",
    "SILENT_AFTER",
    "Address",
    "ConfigLink",
    "Connection",
    "Gateway",
    "Peer",
    "Usage",
]
