"""Who can be served: one faulty peer never keeps the others from it."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from vpn.agent.roster import Roster
from vpn.agent.state import Peer
from vpn.agent.tests.states import GATEWAY, key, peer

OWN = base64.b64encode(b"g" * 32).decode()


def served(*peers: Peer) -> set[int]:
    roster = Roster(OWN)
    roster.update(GATEWAY, {one.id: one for one in peers}, [one.id for one in peers])
    return {number for number, _ in roster.public_keys()}


@pytest.mark.parametrize(
    "faulty",
    [
        peer(7, public_key="not base64"),
        peer(7, public_key=key(7)[:-4]),
        peer(7, public_key=key(7).replace("=", "")),
        peer(7, public_key=OWN),
        peer(7, preshared_key="short"),
        peer(7, addresses=()),
        peer(7, addresses=("10.9.0.7/32",)),
        peer(7, addresses=("10.8.0.7/32", "fd00:9::7/128")),
        peer(7, addresses=("10.8.0.0/24",)),
        peer(7, addresses=("10.8.0.7/24",)),
        peer(7, addresses=("fd00:8::7%eth0/128",)),
        peer(7, addresses=("10.8.0.1/32",)),
        peer(7, addresses=("0.0.0.0/0",)),
        peer(7, addresses=("; drop",)),
        peer(7, limit_bytes=2**64),
        peer(7, kbps=10**12),
        peer(7, public_key=key(2)),
        peer(7, addresses=("10.8.0.2/32",)),
    ],
    ids=lambda faulty: f"{faulty.public_key[:8]} {faulty.addresses}",
)
def test_a_faulty_peer_is_left_out_and_the_others_are_served(faulty: Peer) -> None:
    assert served(peer(2), faulty, peer(9)) == {2, 9}


def test_a_peer_without_a_preshared_key_is_served() -> None:
    assert served(peer(7, preshared_key=None)) == {7}


def test_an_address_is_given_on_when_its_owner_is_gone() -> None:
    roster = Roster(OWN)
    first, second = peer(2), peer(7, addresses=peer(2).addresses)
    roster.update(GATEWAY, {2: first, 7: second}, [2, 7])
    assert {n for n, _ in roster.public_keys()} == {2}
    assert roster.update(GATEWAY, {7: second}, [2]) == {2, 7}
    assert {n for n, _ in roster.public_keys()} == {7}


def test_two_peers_may_change_addresses_in_one_change() -> None:
    roster = Roster(OWN)
    roster.update(GATEWAY, {2: peer(2), 3: peer(3)}, [2, 3])
    crossed = {2: peer(2, addresses=peer(3).addresses), 3: peer(3, addresses=peer(2).addresses)}
    roster.update(GATEWAY, crossed, [2, 3])
    assert {n for n, _ in roster.public_keys()} == {2, 3}


def test_other_ranges_are_looked_at_for_all() -> None:
    roster = Roster(OWN)
    roster.update(GATEWAY, {2: peer(2)}, [2])
    moved = replace(GATEWAY, addresses=("10.9.0.1/16", "fd00:9::1/64"))
    roster.update(moved, {2: peer(2)}, [])
    assert not roster.public_keys()


def test_a_service_closes_at_its_end_and_not_before() -> None:
    roster, phone = Roster(OWN), peer(2, ends_at=1000)
    roster.update(GATEWAY, {2: phone}, [2])
    before, after = (roster.service(phone, now=now) for now in (999.9, 1000))
    assert before is not None
    assert before.is_open
    assert after == replace(before, is_open=False)
