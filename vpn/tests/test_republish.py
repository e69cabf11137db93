"""What was changed past the services reaches the gateways too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from bundles.models import Subscription
from vpn.models import EMPTY_DIGEST, Gateway, Peer
from vpn.services import republish
from vpn.services.republish import republish_changed
from vpn.tests.agents import Agent
from vpn.tests.test_publish import published, state_of

Subscribe = Callable[..., Subscription]


def test_nothing_is_published_that_did_not_change(gateway: Gateway, subscribe: Subscribe) -> None:
    subscribe()
    assert republish_changed() == 0
    assert Gateway.objects.get().revision == 1


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Subscription, {"data_limit_bytes": F("data_limit_bytes") + 1}),
        (Subscription, {"state": "ended"}),
        (Peer, {"state": "revoked"}),
        (Peer, {"digest": ""}),
        (Peer, {"preshared_key": "other"}),
    ],
)
def test_a_changed_row_is_published(
    gateway: Gateway, subscribe: Subscribe, model: Any, values: dict[str, Any]
) -> None:
    subscribe()
    changed = subscribe()
    agent = Agent(gateway)
    agent.pulls()
    key = changed.pk if model is Subscription else changed.peers.get().pk
    model.objects.filter(pk=key).update(**values)
    assert republish_changed() == 1
    assert published() == state_of(gateway)
    agent.pulls()
    assert republish_changed() == 0


def test_what_stood_before_gateways_had_revisions_is_published(
    gateway: Gateway, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republish, "BATCH", 2)
    for _ in range(3):
        subscribe()
    Peer.objects.update(digest="", revision=0)
    Gateway.objects.update(digest=EMPTY_DIGEST, peers_served=0, revision=0)
    assert republish_changed() == 3
    assert published() == state_of(gateway)
    assert Gateway.objects.get().revision == 2, "a revision for each batch"


def test_a_gateways_own_figures_are_repaired(gateway: Gateway, subscribe: Subscribe) -> None:
    subscribe()
    agent = Agent(gateway)
    agent.pulls()
    Gateway.objects.update(digest="f" * 64, peers_served=7)
    assert republish_changed() == 0
    assert published() == state_of(gateway)
    assert agent.pulls()["upsert"] == []
