"""Each row of the contract: what the app reads is there, by its name and as its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.architecture.paths import filled
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import (
    BUNDLE,
    CONFIG,
    CONNECTION,
    PAGINATION,
    PAYMENT,
    PROVIDER,
    SUBSCRIPTION,
    USAGE_DAY,
    USER,
    VPN_STATUS,
    Check,
    assert_shape,
    assert_success,
    number,
    text,
)
from tests.mobile_contract.somebody import with_everything

pytestmark = pytest.mark.django_db(transaction=True)

Person = tuple[APIClient, dict[str, Any]]


@pytest.fixture
def somebody() -> Person:
    person, theirs = with_everything()
    return signed_in(person), theirs


def call(somebody: Person, row: str, body: Any = None) -> Any:
    """The data of a row's call, such as `GET /bundles/{bought_id}`, which must succeed."""
    app, theirs = somebody
    method, path = row.split()
    response = getattr(app, method.lower())(f"/api{filled(path, **theirs)}", body, format="json")
    return assert_success(response)


@pytest.mark.parametrize(
    ("row", "name", "shape"),
    [
        ("GET /auth/profile", "user", USER),
        ("POST /auth/refresh", "user", USER),
        ("GET /users/profile", "user", USER),
        ("PUT /users/profile", "user", USER),
        ("GET /bundles/{bought_id}", "bundle", BUNDLE),
        ("GET /payments/status/{payment_id}", "", PAYMENT),
        ("GET /payments/query/{payment_id}", "", PAYMENT),
        ("POST /payments/query/{payment_id}", "", PAYMENT),
        ("GET /vpn/config/{id}", "config", CONFIG),
        ("GET /vpn/status", "status", VPN_STATUS),
    ],
)
def test_one_thing(somebody: Person, row: str, name: str, shape: Mapping[str, Check]) -> None:
    body: Any = {} if row.startswith(("POST", "PUT")) else None
    data = call(somebody, row, body)
    assert_shape(data[name] if name else data, shape)


@pytest.mark.parametrize(
    ("row", "name", "shape", "has_pages"),
    [
        ("GET /bundles", "bundles", BUNDLE, True),
        ("GET /bundles/search", "bundles", BUNDLE, True),
        ("GET /payments/providers", "providers", PROVIDER, False),
        ("GET /payments/history", "payments", PAYMENT, True),
        ("GET /vpn/configs", "configs", CONFIG, True),
        ("GET /users/subscriptions", "subscriptions", SUBSCRIPTION, True),
        ("GET /analytics/usage", "usage", USAGE_DAY, False),
        ("GET /analytics/connections", "connections", CONNECTION, True),
    ],
)
def test_a_list(
    somebody: Person, row: str, name: str, shape: Mapping[str, Check], has_pages: bool
) -> None:
    data = call(somebody, row)
    assert data[name], "an empty list proves nothing"
    for each in data[name]:
        assert_shape(each, shape)
    if has_pages:
        assert_shape(data["pagination"], PAGINATION)
        assert data["pagination"]["total_items"] == len(data[name])


def test_signing_up_and_in(somebody: Person) -> None:
    newcomer = {
        "full_name": "Neema Mteja",
        "email": "neema@example.test",
        "phone": "+255754123456",
        "password": "a-long-fake-password",
        "user_type": "client",
    }
    app = APIClient()
    signed_up = app.post("/api/auth/register", newcomer, format="json")
    signed_in_again = app.post("/api/auth/login", newcomer, format="json")
    for data in (assert_success(signed_up, 201), assert_success(signed_in_again)):
        assert_shape(data, {"token": text, "user": lambda user: isinstance(user, dict)})
        assert_shape(data["user"], USER)


def test_the_configuration_of_what_was_bought(somebody: Person) -> None:
    bundle = {"bundle_id": somebody[1]["bought_id"]}
    config = call(somebody, "POST /vpn/generate-config", bundle)["config"]
    assert_shape(config, CONFIG)
    assert config["id"] == somebody[1]["id"]
    assert call(somebody, "DELETE /vpn/config/{id}") == {}


def test_all_that_was_used_is_a_number_too(somebody: Person) -> None:
    total = call(somebody, "GET /analytics/usage")["total_bytes"]
    assert number(total)
    assert total == 100
