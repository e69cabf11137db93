"""Several devices of one subscription, by the app: as many as it serves, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from bundles.models import Subscription
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import assert_success
from vpn.keys import new_key_pair
from vpn.models import Gateway, Peer
from vpn.tests.test_publish import published, state_of

Subscribe = Callable[..., Subscription]

DEVICES = 3


@pytest.fixture
def subscription(subscribe: Subscribe) -> Subscription:
    """Its first device is there from the payment on."""
    return subscribe(max_connections=DEVICES)


@pytest.fixture
def app(subscription: Subscription) -> APIClient:
    return signed_in(subscription.customer)


def adds(app: APIClient, subscription: Subscription, **device: str) -> Any:
    body = {"bundle_id": subscription.bundle_id, **device}
    return app.post("/api/vpn/generate-config", body, format="json")


def listed(app: APIClient) -> set[str]:
    configs = assert_success(app.get("/api/vpn/configs"))["configs"]
    return {config["device_name"] for config in configs if config["is_active"]}


def test_a_device_beyond_the_limit_is_refused_and_nothing_is_half_made(
    gateway: Gateway, subscription: Subscription, app: APIClient
) -> None:
    own = new_key_pair().public
    assert_success(adds(app, subscription, device_name="laptop"))
    config = assert_success(adds(app, subscription, device_name="TV", public_key=own))["config"]
    assert "PrivateKey" not in config["config_data"]
    before = (published(), Peer.objects.count(), Gateway.objects.get().next_number)
    too_many = (
        {"device_name": "tablet"},
        {"device_name": "watch", "public_key": new_key_pair().public},
    )
    for device in too_many:
        answer = adds(app, subscription, **device)
        assert (answer.status_code, answer.json()["code"]) == (409, "device_limit_reached")
        assert answer.json()["message"]
    assert (published(), Peer.objects.count(), Gateway.objects.get().next_number) == before
    assert listed(app) == {"phone", "laptop", "TV"}
    assert_success(adds(app, subscription, device_name="laptop"))
    assert published() == state_of(gateway)


def test_a_device_that_is_removed_makes_room_for_another(
    gateway: Gateway, subscription: Subscription, app: APIClient
) -> None:
    assert_success(adds(app, subscription, device_name="laptop"))
    config = assert_success(adds(app, subscription, device_name="TV"))["config"]
    assert_success(app.delete(f"/api/vpn/config/{config['id']}"))
    assert_success(adds(app, subscription, device_name="tablet"))
    assert listed(app) == {"phone", "laptop", "tablet"}
    assert adds(app, subscription, device_name="TV").status_code == 409
    assert published() == state_of(gateway)
