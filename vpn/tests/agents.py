"""An agent as the server sees it: its secret, its calls, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.test import Client

from vpn.keys import new_key_pair
from vpn.models import Gateway
from vpn.services.enrol import enrol, issue_token
from vpn.services.publish import MODULUS, digest_of


class Agent:
    """An enrolled agent that keeps the state which it was told."""

    def __init__(self, gateway: Gateway) -> None:
        key = gateway.public_key or new_key_pair().public
        self.secret = enrol(token=issue_token(gateway), public_key=key, version="1.0").secret
        self.peers: dict[int, dict[str, Any]] = {}
        self.revision: int | None = None
        self.used_before: dict[str, int] = {}

    def asks(self, **question: Any) -> Any:
        """The response to a question."""
        return Client().get(
            "/agent/v1/state", question, headers={"Authorization": f"Bearer {self.secret}"}
        )

    def pulls(self, epoch: str = "e1", **more: Any) -> dict[str, Any]:
        """Ask for what is new, and take it over as docs/agent-protocol.md says. {} for nothing."""
        question = {"epoch": epoch, **more}
        if self.revision is not None:
            question |= {"revision": self.revision, "digest": digest(self.peers.values())}
        response = self.asks(**question)
        if response.status_code == 204:
            return {}
        assert response.status_code == 200, response.content
        told: dict[str, Any] = response.json()
        if told["base"] is None:
            self.peers = {}
        else:
            assert told["base"] == self.revision
        self.peers |= {peer["id"]: peer for peer in told["upsert"]}
        for key in told["remove"]:
            self.peers.pop(key, None)
        assert digest(self.peers.values()) == told["digest"]
        assert len(self.peers) == told["count"]
        self.revision = told["revision"]
        self.used_before = told["used_before"]
        return told


def digest(peers: Iterable[dict[str, Any]]) -> str:
    return f"{sum(int(digest_of(peer), 16) for peer in peers) % MODULUS:064x}"
