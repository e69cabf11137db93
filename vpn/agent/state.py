"""What the server wants served: peers, their groups' allowances, and how one state becomes the next.

docs/agent-protocol.md, "What to serve". Nothing here touches the machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from ipaddress import ip_interface
from typing import Any

MAY_GO = 50  # so many peers may go at once whatever their share
MAY_GO_SHARE = 5  # a fifth of them
NO_PEERS = "0" * 64  # the digest of an empty state
_DIGEST_MODULUS = 2**256


class Malformed(Exception):
    """The server's words have not the protocol's shape; `str()` says where."""


class DoesNotFit(Exception):
    """Not a change of this state, or its digest or count differs: a snapshot is needed."""


class Shrinks(Exception):
    """The state drops more peers than staff have allowed."""

    def __init__(self, *, revision: int, gone: int, of: int) -> None:
        super().__init__(f"revision {revision} drops {gone} of {of} peers")
        self.revision = revision


@dataclass(frozen=True, slots=True)
class Gateway:
    id: int
    name: str
    addresses: tuple[str, ...]  # its own in the tunnel, with the range's length: 10.8.0.1/16
    listen_port: int
    mtu: int
    may_shrink: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """One device. Whether it can be served is for the roster to say."""

    id: int
    group: int
    public_key: str
    preshared_key: str | None
    addresses: tuple[str, ...]
    ends_at: int
    limit_bytes: int  # the group's whole allowance
    kbps: int  # each way; 0 is no limit

    def digest(self) -> int:
        """SHA-256 of its JSON without the id, as a number: digests of peers are summed."""
        told = self.as_json()
        del told["id"]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return int.from_bytes(hashlib.sha256(text.encode("ascii")).digest())

    def as_json(self) -> dict[str, Any]:
        """The protocol's shape; `asdict` would copy each value, which 10,000 peers wait for."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the server: a change that starts from `base`, or a snapshot without one."""

    revision: int
    base: int | None
    digest: int
    count: int
    gateway: Gateway
    upsert: tuple[Peer, ...]
    remove: tuple[int, ...]
    used_before: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class State:
    revision: int
    gateway: Gateway
    peers: Mapping[int, Peer]
    used_before: Mapping[int, int]  # bytes of a group that passed outside `epoch`
    epoch: str
    digest: int

    def digest_text(self) -> str:
        return f"{self.digest:064x}"

    def allowances(self, groups: Iterable[int]) -> dict[int, int]:
        """Bytes that each of these groups may use in the epoch; groups without a peer are left out."""
        wanted = set(groups)
        limits: dict[int, int] = {}
        for peer in self.peers.values():
            if peer.group in wanted:
                limits[peer.group] = max(peer.limit_bytes, limits.get(peer.group, 0))
        return {
            group: max(limit - self.used_before.get(group, 0), 0) for group, limit in limits.items()
        }

    def in_epoch(self, epoch: str, used_before: Mapping[int, int]) -> State:
        """The same state, counted in another epoch."""
        return replace(self, epoch=epoch, used_before=used_before)


@dataclass(frozen=True, slots=True)
class Change:
    """The next state, with the peers and groups that it may differ in from the last one."""

    state: State
    peers: frozenset[int]
    groups: frozenset[int]


def digest_of(peers: Iterable[Peer]) -> int:
    return sum(peer.digest() for peer in peers) % _DIGEST_MODULUS


def apply(state: State | None, answer: Answer, *, epoch: str) -> Change:
    """What the state becomes by an answer to a question of this epoch.

    Raises DoesNotFit, and Shrinks where the answer would drop too many peers.
    """
    if answer.base is None:
        change = _replaced(state, answer, epoch)
    elif state is None or answer.base != state.revision or epoch != state.epoch:
        raise DoesNotFit(f"a change from revision {answer.base}, which is not ours")
    else:
        change = _changed(state, answer)
    after = change.state
    if after.digest != answer.digest or len(after.peers) != answer.count:
        raise DoesNotFit(f"revision {answer.revision} does not come to its digest")
    if state is not None and not answer.gateway.may_shrink:
        _refuse_to_shrink(state, after)
    return change


def _replaced(state: State | None, answer: Answer, epoch: str) -> Change:
    peers = {peer.id: peer for peer in answer.upsert}
    before: Mapping[int, Peer] = state.peers if state else {}
    used_before = dict(answer.used_before)
    differing = frozenset(
        number for number in peers.keys() | before.keys() if peers.get(number) != before.get(number)
    )
    after = State(
        revision=answer.revision,
        gateway=answer.gateway,
        peers=peers,
        used_before=used_before,
        epoch=epoch,
        digest=digest_of(peers.values()),
    )
    return Change(after, differing, frozenset(peer.group for peer in peers.values()))


def _changed(state: State, answer: Answer) -> Change:
    peers, used_before, digest = dict(state.peers), dict(state.used_before), state.digest
    for number in answer.remove:
        if gone := peers.pop(number, None):
            digest -= gone.digest()
    for peer in answer.upsert:
        if old := peers.get(peer.id):
            digest -= old.digest()
        digest += peer.digest()
        peers[peer.id] = peer
        used_before[peer.group] = answer.used_before.get(peer.group, 0)
    after = State(
        revision=answer.revision,
        gateway=answer.gateway,
        peers=peers,
        used_before=used_before,
        epoch=state.epoch,
        digest=digest % _DIGEST_MODULUS,
    )
    touched = frozenset(answer.remove) | {peer.id for peer in answer.upsert}
    return Change(after, touched, frozenset(peer.group for peer in answer.upsert))


def _refuse_to_shrink(state: State, after: State) -> None:
    gone = len(state.peers.keys() - after.peers.keys())
    if gone > MAY_GO and gone * MAY_GO_SHARE > len(state.peers):
        raise Shrinks(revision=after.revision, gone=gone, of=len(state.peers))


def read_answer(body: Any) -> Answer:
    """The answer in the server's JSON. Raises Malformed."""
    try:
        gateway = body["gateway"]
        return Answer(
            revision=_whole(body["revision"]),
            base=None if body["base"] is None else _whole(body["base"]),
            digest=int(body["digest"], 16),
            count=_whole(body["count"]),
            gateway=Gateway(
                id=_whole(gateway["id"]),
                name=str(gateway["name"]),
                addresses=tuple(str(ip_interface(address)) for address in gateway["addresses"]),
                listen_port=_whole(gateway["listen_port"]),
                mtu=_whole(gateway["mtu"]),
                may_shrink=gateway["may_shrink"] is True,
            ),
            upsert=tuple(_peer(peer) for peer in body["upsert"]),
            remove=tuple(_whole(number) for number in body["remove"]),
            used_before={int(group): _whole(used) for group, used in body["used_before"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise Malformed(f"{type(problem).__name__}: {problem}") from problem


def _peer(body: Any) -> Peer:
    preshared_key = body["preshared_key"]
    return Peer(
        id=_whole(body["id"]),
        group=_whole(body["group"]),
        public_key=str(body["public_key"]),
        preshared_key=None if preshared_key is None else str(preshared_key),
        addresses=tuple(str(address) for address in body["addresses"]),
        ends_at=_whole(body["ends_at"]),
        limit_bytes=_whole(body["limit_bytes"]),
        kbps=_whole(body["kbps"]),
    )


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"not a whole number: {value!r}")
    return value


def answer_as_json(answer: Answer) -> dict[str, Any]:
    """The protocol's shape again, for the disk."""
    return {
        "revision": answer.revision,
        "base": answer.base,
        "digest": f"{answer.digest:064x}",
        "count": answer.count,
        "gateway": asdict(answer.gateway),
        "upsert": [peer.as_json() for peer in answer.upsert],
        "remove": list(answer.remove),
        "used_before": {str(group): used for group, used in answer.used_before.items()},
    }


def as_snapshot(state: State) -> Answer:
    """The answer that would bring the state about from nothing."""
    return Answer(
        revision=state.revision,
        base=None,
        digest=state.digest,
        count=len(state.peers),
        gateway=state.gateway,
        upsert=tuple(state.peers.values()),
        remove=(),
        used_before=state.used_before,
    )
