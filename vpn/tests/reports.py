"""What an agent would report."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from vpn.agent_api.report import read_report
from vpn.models import Gateway, Peer
from vpn.services.report import take_report


def a_report(gateway: Gateway, *counters: list[int], **changes: Any) -> dict[str, Any]:
    """A report that is newer than all before, of an agent that does as told."""
    gateway.refresh_from_db()
    return {
        "epoch": "e1",
        "sequence": gateway.agent_sequence + 1,
        "at": int(timezone.now().timestamp()),
        "revision": gateway.revision,
        "digest": gateway.digest,
        "counters": list(counters),
        "health": {
            "version": "1.0",
            "backend": "wireguard",
            "peers": gateway.peers_served,
            "repairs": 0,
            "refused_revision": None,
        },
        **changes,
    }


def tell(gateway: Gateway, *counters: list[int], **changes: Any) -> list[int]:
    """Let the gateway's agent report these."""
    report = read_report(a_report(gateway, *counters, **changes))
    return take_report(gateway_id=gateway.pk, report=report)


def counted(peer: Peer, up: int, down: int, handshake: int = 0) -> list[int]:
    """The counter of a peer for its subscription."""
    return [peer.pk, peer.subscription_id, up, down, handshake]
