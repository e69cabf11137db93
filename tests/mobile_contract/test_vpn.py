"""The configuration that was bought, and what the person used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle
from bundles.tests.factories import a_bundle
from payments.tests.factories import a_customer
from tests.mobile_contract.app import initiate, signed_in
from tests.mobile_contract.shapes import (
    CONFIG,
    PAGINATION,
    SUBSCRIPTION,
    USER,
    VPN_STATUS,
    assert_error,
    assert_shape,
    assert_success,
)
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bought(app: APIClient, customer: User, bundle: Bundle, pays: Callable[[str], None]) -> Bundle:
    first_gateway()
    payment = assert_success(initiate(app, bundle.pk, customer.phone or ""), 201)
    pays(payment["payment_id"])
    return bundle


def generate(app: APIClient, bundle: Bundle, **more: str) -> Any:
    body = {"bundle_id": bundle.pk, **more}
    return app.post("/api/vpn/generate-config", body, format="json")


def config_of(response: Any) -> Any:
    assert response.status_code in (200, 201), response.json()
    return assert_success(response, response.status_code)["config"]


def test_right_after_the_payment_there_is_a_configuration(app: APIClient, bought: Bundle) -> None:
    config = config_of(generate(app, bought))
    assert_shape(config, CONFIG)
    assert (config["bundle_id"], config["is_active"]) == (bought.pk, True)
    endpoint = f"Endpoint = {config['server_ip']}:{config['server_port']}"
    assert endpoint in config["config_data"].splitlines()


def test_asking_again_gives_the_same_configuration(app: APIClient, bought: Bundle) -> None:
    assert config_of(generate(app, bought)) == config_of(generate(app, bought))
    assert len(assert_success(app.get("/api/vpn/configs"))["configs"]) == 1


def test_without_a_subscription_there_is_no_configuration(app: APIClient, bundle: Bundle) -> None:
    first_gateway()
    assert_error(generate(app, bundle), 409, "no_active_subscription")


@pytest.mark.parametrize("bundle_id", [None, "x", 0, 10**30])
def test_a_configuration_of_nothing(app: APIClient, bundle_id: Any) -> None:
    response = app.post("/api/vpn/generate-config", {"bundle_id": bundle_id}, format="json")
    assert_error(response, response.status_code)
    assert 400 <= response.status_code < 500


def test_the_configurations_are_listed_and_shown(app: APIClient, bought: Bundle) -> None:
    config = config_of(generate(app, bought))
    listed = assert_success(app.get("/api/vpn/configs"))
    assert_shape(listed["pagination"], PAGINATION)
    assert listed["configs"] == [config]
    shown = assert_success(app.get(f"/api/vpn/config/{config['id']}"))
    assert shown["config"] == config


def test_a_revoked_configuration_is_dead(app: APIClient, bought: Bundle) -> None:
    config = config_of(generate(app, bought))
    assert_success(app.delete(f"/api/vpn/config/{config['id']}"))
    assert all(
        not each["is_active"] for each in assert_success(app.get("/api/vpn/configs"))["configs"]
    )
    again = config_of(generate(app, bought))
    assert again["id"] != config["id"]
    assert again["config_data"] != config["config_data"]


def test_anybody_elses_configuration_is_not_there(
    app: APIClient, stranger: APIClient, bought: Bundle
) -> None:
    config = config_of(generate(app, bought))
    assert_error(stranger.get(f"/api/vpn/config/{config['id']}"), 404)
    assert_error(stranger.delete(f"/api/vpn/config/{config['id']}"), 404)
    assert assert_success(stranger.get("/api/vpn/configs"))["configs"] == []
    assert assert_success(app.get(f"/api/vpn/config/{config['id']}"))["config"]["is_active"]


def test_the_vpns_status_is_for_owners_and_staff(app: APIClient) -> None:
    response = app.get("/api/vpn/status")
    assert_error(response, 403)
    for role in ("owner", "staff"):
        person = a_customer()
        person.role = role
        person.save()
        data = assert_success(signed_in(person).get("/api/vpn/status"))
        assert_shape(data["status"], VPN_STATUS)


def test_the_subscriptions(app: APIClient, stranger: APIClient, bought: Bundle) -> None:
    data = assert_success(app.get("/api/users/subscriptions"))
    (subscription,) = data["subscriptions"]
    assert_shape(subscription, SUBSCRIPTION)
    assert_shape(data["pagination"], PAGINATION)
    assert (subscription["bundle_id"], subscription["is_active"]) == (bought.pk, True)
    assert assert_success(stranger.get("/api/users/subscriptions"))["subscriptions"] == []


def test_the_profile_is_read_and_changed(app: APIClient) -> None:
    assert_shape(assert_success(app.get("/api/users/profile"))["user"], USER)
    changed = app.put("/api/users/profile", {"full_name": "Asha Mpya"}, format="json")
    assert assert_success(changed)["user"]["full_name"] == "Asha Mpya"
    assert assert_success(app.get("/api/auth/profile"))["user"]["full_name"] == "Asha Mpya"


@pytest.mark.parametrize("field", ["role", "user_type", "is_staff", "is_superuser", "id"])
def test_nobody_promotes_themselves(app: APIClient, customer: User, field: str) -> None:
    app.put("/api/users/profile", {"full_name": "Asha", field: "staff"}, format="json")
    before = (customer.pk, customer.role, customer.is_staff, customer.is_superuser)
    customer.refresh_from_db()
    assert (customer.pk, customer.role, customer.is_staff, customer.is_superuser) == before


def test_two_people_have_two_configurations(
    app: APIClient, bought: Bundle, pays: Callable[[str], None]
) -> None:
    other = a_customer()
    their_app = signed_in(other)
    pays(assert_success(initiate(their_app, bought.pk, other.phone or ""), 201)["payment_id"])
    mine, theirs = config_of(generate(app, bought)), config_of(generate(their_app, bought))
    for name in ("PrivateKey", "Address"):
        assert _line(mine, name) != _line(theirs, name)


def test_a_bundle_that_was_not_bought_stays_closed(app: APIClient, bought: Bundle) -> None:
    assert_error(generate(app, a_bundle()), 409, "no_active_subscription")


def _line(config: Any, name: str) -> str:
    lines: list[str] = config["config_data"].splitlines()
    return next(line for line in lines if line.startswith(f"{name} ="))
