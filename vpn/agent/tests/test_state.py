"""How one state becomes the next: digests, changes, snapshots, and what is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from vpn.agent.state import (
    NO_PEERS,
    DoesNotFit,
    Malformed,
    Shrinks,
    answer_as_json,
    apply,
    digest_of,
    read_answer,
)
from vpn.agent.tests.states import EPOCH, GATEWAY, change, peer, snapshot, state_of


def test_the_digest_is_the_sum_of_each_peers_sha256_as_the_protocol_says() -> None:
    texts = [
        '{"addresses":["10.8.0.2/32"],"ends_at":1790000000,"group":3,"id":7,"kbps":0,'
        '"limit_bytes":5000000000,"preshared_key":null,"public_key":"k7"}',
        '{"addresses":[],"ends_at":1,"group":4,"id":8,"kbps":2000,'
        '"limit_bytes":1,"preshared_key":"\\u00e9","public_key":""}',
    ]
    peers = read_answer(
        {**answer_as_json(snapshot(1)), "upsert": [json.loads(text) for text in texts]}
    ).upsert
    without_ids = [text.replace('"id":7,', "").replace('"id":8,', "") for text in texts]
    total = sum(int(hashlib.sha256(text.encode()).hexdigest(), 16) for text in without_ids)
    assert digest_of(peers) == total % 2**256


def test_an_empty_state_has_a_digest_of_zeros() -> None:
    assert state_of().digest_text() == NO_PEERS


def test_a_change_adds_changes_and_removes_and_comes_to_the_same_digest() -> None:
    before = state_of(peer(1), peer(2), peer(3))
    answer = change(before, peer(2, kbps=9), peer(4), remove=(3,), used_before={4: 77})
    done = apply(before, answer, epoch=EPOCH)
    assert dict(done.state.peers) == {1: peer(1), 2: peer(2, kbps=9), 4: peer(4)}
    assert done.state.digest == digest_of(done.state.peers.values())
    assert done.peers == {2, 3, 4}
    assert done.groups == {2, 4}
    assert done.state.allowances({2, 4}) == {2: 1000, 4: 923}


def test_a_snapshot_removes_whom_it_does_not_name() -> None:
    before = state_of(peer(1), peer(2))
    done = apply(before, snapshot(9, peer(2), peer(5)), epoch=EPOCH)
    assert done.state.peers.keys() == {2, 5}
    assert done.peers == {1, 5}, "peer 2 is as it was"


@pytest.mark.parametrize(
    "wrong",
    [{"digest": 5}, {"count": 3}, {"base": 7}],
    ids=["digest", "count", "another base"],
)
def test_what_does_not_come_out_is_thrown_away(wrong: dict[str, Any]) -> None:
    before = state_of(peer(1))
    with pytest.raises(DoesNotFit):
        apply(before, change(before, peer(2), **wrong), epoch=EPOCH)


def test_a_change_is_not_taken_over_an_epoch() -> None:
    before = state_of(peer(1))
    with pytest.raises(DoesNotFit):
        apply(before, change(before, peer(2)), epoch="another")


@pytest.mark.parametrize("base", [None, 1], ids=["snapshot", "change"])
@pytest.mark.parametrize(
    ("of", "gone", "is_refused"),
    [
        (251, 51, True),
        (250, 50, False),  # a fifth, and not more than 50
        (255, 51, False),  # 51, and not more than a fifth
        (40, 40, False),
        (51, 51, True),  # an empty state
    ],
)
def test_a_state_that_shrinks_too_much_is_refused(
    of: int, gone: int, is_refused: bool, base: int | None
) -> None:
    before = state_of(*(peer(number) for number in range(1, of + 1)))
    removed = tuple(range(1, gone + 1))
    answer = change(before, remove=removed)
    if base is None:
        left = (p for n, p in before.peers.items() if n not in removed)
        answer = snapshot(2, *left)
    if is_refused:
        with pytest.raises(Shrinks):
            apply(before, answer, epoch=EPOCH)
        answer = replace(answer, gateway=replace(GATEWAY, may_shrink=True))
    assert len(apply(before, answer, epoch=EPOCH).state.peers) == of - gone


def test_an_allowance_is_what_is_left_for_the_epoch_and_never_negative() -> None:
    state = state_of(peer(1, group=3), peer(2, group=3), peer(3), used_before={3: 400})
    assert state.allowances({3, 99}) == {3: 600}
    spent = state_of(peer(1, group=3), used_before={3: 4000})
    assert spent.allowances({3}) == {3: 0}


def test_a_group_whose_use_elsewhere_is_not_named_any_more_has_none() -> None:
    before = state_of(peer(1), used_before={1: 400})
    after = apply(before, change(before, peer(1, limit_bytes=2000)), epoch=EPOCH).state
    assert after.allowances({1}) == {1: 2000}


def test_an_answer_is_the_same_after_it_was_on_disk() -> None:
    answer = snapshot(3, peer(1), peer(2), used_before={1: 5}, base=2, remove=(9,))
    assert read_answer(json.loads(json.dumps(answer_as_json(answer)))) == answer


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"revision": "2"},
        {"revision": -1},
        {"digest": "no hex"},
        {"upsert": [{"id": 1}]},
        {"remove": [True]},
        {"gateway": None},
        {"gateway": asdict(replace(GATEWAY, addresses=("10.8.0.1/160",)))},
        {"used_before": {"3": "many"}},
    ],
)
def test_words_of_another_shape_are_not_taken(wrong: object) -> None:
    body = {**answer_as_json(snapshot(1)), **wrong} if isinstance(wrong, dict) else wrong
    with pytest.raises(Malformed):
        read_answer(body)
