"""Peers, states and answers for tests that need no machine."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from vpn.agent.state import Answer, Gateway, Peer, State, apply, digest_of

GATEWAY = Gateway(
    id=1,
    name="dar-1",
    addresses=("10.8.0.1/16", "fd00:8::1/64"),
    listen_port=51820,
    mtu=1280,
    may_shrink=False,
)
EPOCH = "e1"


def key(number: int) -> str:
    return base64.b64encode(number.to_bytes(32)).decode()


def peer(number: int, **different: Any) -> Peer:
    return replace(
        Peer(
            id=number,
            group=number,
            public_key=key(number),
            preshared_key=key(1_000_000 + number),
            addresses=(f"10.8.{number >> 8}.{number & 255}/32", f"fd00:8::{number:x}/128"),
            ends_at=4_000_000_000,
            limit_bytes=1000,
            kbps=0,
        ),
        **different,
    )


def snapshot(revision: int, *peers: Peer, **different: Any) -> Answer:
    answer = Answer(
        revision=revision,
        base=None,
        digest=digest_of(peers),
        count=len(peers),
        gateway=GATEWAY,
        upsert=peers,
        remove=(),
        used_before={},
    )
    return replace(answer, **different)


def change(state: State, *upsert: Peer, remove: tuple[int, ...] = (), **different: Any) -> Answer:
    """The answer that changes the state so, with the right digest."""
    peers = {n: p for n, p in state.peers.items() if n not in remove} | {p.id: p for p in upsert}
    answer = snapshot(
        state.revision + 1, *peers.values(), base=state.revision, upsert=upsert, remove=remove
    )
    return replace(answer, **different)


def state_of(*peers: Peer, **different: Any) -> State:
    return apply(None, snapshot(1, *peers, **different), epoch=EPOCH).state
