"""Renewing, topping up and stacking: what the same customer buys beside what they have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle, Renewal, Seat, Subscription
from bundles.services.end import end_overdue_subscriptions
from bundles.services.use import note_use
from bundles.tests.factories import a_bundle
from common.transactions import retried
from payments.models import MobileMoneyTransaction
from payments.tests.factories import a_customer
from tests.mobile_contract.app import initiate, signed_in
from tests.mobile_contract.shapes import assert_error, assert_success
from vpn.models import Gateway
from vpn.tests.agents import Agent
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

GIGABYTE = 10**9

Buys = Callable[[Bundle], None]


@pytest.fixture
def gateway(db: None) -> Gateway:
    return first_gateway()


@pytest.fixture
def bundle(gateway: Gateway) -> Bundle:
    """One with a single place, which the customer has: sold out to everybody else."""
    return a_bundle(max_clients=1, duration_days=1, data_limit_gb=5)


@pytest.fixture
def buys(app: APIClient, customer: User, pays: Callable[[str], None]) -> Buys:
    def buy(bundle: Bundle) -> None:
        MobileMoneyTransaction.objects.update(created_at=timezone.now() - timedelta(hours=2))
        payment = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
        pays(payment["payment_id"])

    return buy


def subscriptions(app: APIClient) -> list[Any]:
    listed: list[Any] = assert_success(app.get("/api/users/subscriptions"))["subscriptions"]
    return listed


def file_of(app: APIClient, bundle: Bundle) -> str:
    body = {"bundle_id": bundle.pk}
    config = assert_success(app.post("/api/vpn/generate-config", body, format="json"))["config"]
    assert config["is_active"]
    return str(config["config_data"])


def use_up() -> None:
    subscription = Subscription.objects.get()
    Subscription.objects.update(data_used_bytes=subscription.data_limit_bytes)
    retried(note_use)([subscription.pk])


def let_end() -> None:
    now = timezone.now()
    Subscription.objects.update(
        starts_at=now - timedelta(days=1, seconds=1), ends_at=now - timedelta(seconds=1)
    )
    end_overdue_subscriptions()


@pytest.mark.parametrize("meanwhile", [lambda: None, use_up], ids=["running", "used-up"])
def test_the_same_bundle_adds_its_data_and_days_at_once(
    app: APIClient,
    gateway: Gateway,
    bundle: Bundle,
    buys: Buys,
    meanwhile: Callable[[], None],
) -> None:
    buys(bundle)
    agent, file, (before,) = Agent(gateway), file_of(app, bundle), subscriptions(app)
    agent.pulls()
    meanwhile()
    other = a_customer()
    refused = initiate(signed_in(other), bundle.pk, other.phone or "")
    assert refused.json()["code"] == "bundle_sold_out"
    buys(bundle)
    (after,) = subscriptions(app)
    assert after["id"] == before["id"]
    assert after["data_limit_bytes"] == 2 * before["data_limit_bytes"] == 10 * GIGABYTE
    ends = [datetime.fromisoformat(each["ends_at"]) for each in (before, after)]
    assert ends[1] - ends[0] == timedelta(days=1)
    assert after["used_up_at"] is None
    assert file_of(app, bundle) == file
    assert Seat.objects.count() == 1
    (told,) = agent.pulls()["upsert"]
    assert told["group"] == after["id"], "the gateway is told of the new allowance"


def test_just_after_the_end_the_same_file_goes_on(
    app: APIClient, bundle: Bundle, buys: Buys
) -> None:
    buys(bundle)
    file = file_of(app, bundle)
    let_end()
    buys(bundle)
    assert [each["is_active"] for each in subscriptions(app)] == [True, False]
    assert file_of(app, bundle) == file


def test_another_bundle_is_another_subscription(app: APIClient, bundle: Bundle, buys: Buys) -> None:
    other = a_bundle(data_limit_gb=1)
    buys(bundle)
    buys(other)
    assert [
        (each["bundle_id"], each["data_limit_bytes"], each["is_active"])
        for each in subscriptions(app)
    ] == [(other.pk, GIGABYTE, True), (bundle.pk, 5 * GIGABYTE, True)]
    assert file_of(app, bundle) != file_of(app, other)


def test_a_subscription_is_bought_again_by_itself_when_its_customer_says_so(
    app: APIClient, stranger: APIClient, bundle: Bundle, buys: Buys
) -> None:
    buys(bundle)
    (shown,) = subscriptions(app)
    assert (shown["auto_renew"], shown["renewal_outcome"]) == (False, "")
    path = f"/api/users/subscriptions/{shown['id']}/renewal"
    for wanted in (True, True, False):
        answer = app.post(path, {"auto_renew": wanted}, format="json")
        assert assert_success(answer)["subscription"]["auto_renew"] is wanted
        assert subscriptions(app)[0]["auto_renew"] is wanted
    assert Renewal.objects.count() == 1
    assert_error(app.post(path, {}, format="json"), 400)
    assert_error(stranger.post(path, {"auto_renew": True}, format="json"), 404)
    let_end()
    over = app.post(path, {"auto_renew": True}, format="json")
    assert (over.status_code, over.json()["code"]) == (409, "subscription_over")
