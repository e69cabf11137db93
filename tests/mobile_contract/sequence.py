"""The released app's calls in its order, from its start until it is connected and signed out again.

`python -m tests.mobile_contract.sequence` replays them, once by each provider, against the server
that `make run` keeps up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from deploy.local.demo import PREFIXES, Customer, enter_pin
from deploy.local.running import running_server
from tests.mobile_contract.shapes import (
    BUNDLE,
    CONFIG,
    INITIATED,
    PAGINATION,
    PAYMENT,
    PROVIDER,
    SUBSCRIPTION,
    USER,
    assert_error,
    assert_shape,
)
from tests.person import PASSWORD, Person

Json = dict[str, Any]

ONLINE_WITHIN_SECONDS = 10


def replay(person: Person, provider: str, *, enters_pin: Callable[[], object]) -> tuple[Json, Json]:
    """All of it, for somebody who has just registered: the payment and the configuration, as shown."""
    _sign_in(person)
    bundle = _choose(person, provider)
    _be_refused(person, bundle["id"])
    paid = _pay(person, bundle, provider, enters_pin)
    config = _connect(person, bundle["id"])
    _look_around(person)
    return paid, config


def sign_off(person: Person, config: Json) -> None:
    """Remove the device, renew the token and give it up: what is given up is dead."""
    assert person.call("DELETE", f"/vpn/config/{config['id']}").ok
    assert all(not each["is_active"] for each in person.gets("/vpn/configs")["configs"])
    old, person.token = person.token, person.posts("/auth/refresh")["token"]
    for token in (old, person.token):
        bearer = {"Authorization": f"Bearer {token}"}
        if token == person.token:
            person.posts("/auth/logout")
        assert_error(person.call("GET", "/auth/profile", headers=bearer), 401)


def _sign_in(person: Person) -> None:
    wrong = {"email": person.email, "password": "not-the-password"}
    assert_error(person.call("POST", "/auth/login", json=wrong), 401, "invalid_credentials")
    data = person.posts("/auth/login", email=person.email, password=PASSWORD)
    assert_shape(data["user"], USER)
    person.token = data["token"]
    assert person.gets("/auth/profile")["user"] == data["user"]


def _choose(person: Person, provider: str) -> Json:
    listed = person.gets("/bundles?limit=100")
    assert_shape(listed["pagination"], PAGINATION)
    for each in listed["bundles"]:
        assert_shape(each, BUNDLE)
    bundle = person.bundle()
    assert person.gets(f"/bundles/{bundle['id']}")["bundle"] == bundle
    assert bundle in person.gets("/bundles/search?q=daily")["bundles"]
    body = person.call("GET", "/payments/providers").json()
    assert body["providers"] == body["data"]["providers"]
    for each in body["providers"]:
        assert_shape(each, PROVIDER)
    assert provider in [each["provider"] for each in body["providers"] if each["enabled"]]
    return bundle


def _be_refused(person: Person, bundle_id: int) -> None:
    """What the app's user does wrong before doing it right."""
    right = {"bundle_id": bundle_id, "phone_number": person.phone, "provider": "pesapal"}
    for wrong, status, code in (
        ({"bundle_id": 999_999_999}, 404, "bundle_not_found"),
        ({"phone_number": "+14155550100"}, 400, ""),
        ({"provider": "visa"}, 400, ""),
    ):
        asked = person.call("POST", "/payments/initiate", json={**right, **wrong})
        assert_error(asked, status, code)
    early = person.call("POST", "/vpn/generate-config", json={"bundle_id": bundle_id})
    assert_error(early, 409, "no_active_subscription")


def _pay(person: Person, bundle: Json, provider: str, enters_pin: Callable[[], object]) -> Json:
    payment = person.asks_to_pay(bundle["id"])
    assert_shape(payment, INITIATED)
    assert (payment["payment_method"], payment["amount"]) == (provider, bundle["price"])
    assert "redirect_url" not in payment
    assert_shape(person.payment(payment), PAYMENT)
    enters_pin()
    paid = person.sees(payment, "completed", ONLINE_WITHIN_SECONDS)
    assert_shape(paid, PAYMENT)
    assert paid["status"] == "completed"
    for method, name in (("GET", "payment_id"), ("POST", "transaction_reference")):
        asked = person.call(method, f"/payments/query/{payment[name]}").json()["data"]
        assert (asked["payment_id"], asked["status"]) == (payment["payment_id"], "completed")
    (listed,) = person.gets("/payments/history")["payments"]
    assert listed["payment_id"] == payment["payment_id"]
    return paid


def _connect(person: Person, bundle_id: int) -> Json:
    config = person.configuration(bundle_id)
    assert_shape(config, CONFIG)
    assert person.configuration(bundle_id) == config
    assert person.gets("/vpn/configs")["configs"] == [config]
    assert person.gets(f"/vpn/config/{config['id']}")["config"] == config
    (subscription,) = person.gets("/users/subscriptions")["subscriptions"]
    assert_shape(subscription, SUBSCRIPTION)
    assert (subscription["bundle_id"], subscription["is_active"]) == (bundle_id, True)
    return config


def _look_around(person: Person) -> None:
    changed = person.call("PUT", "/users/profile", json={"full_name": "Neema M."})
    assert changed.json()["data"]["user"] == person.gets("/users/profile")["user"]
    assert isinstance(person.gets("/analytics/usage")["usage"], list)
    assert isinstance(person.gets("/analytics/connections")["connections"], list)
    assert_error(person.call("GET", "/vpn/status"), 403, "permission_denied")


def main() -> int:
    """Returns 0 when every call was answered as the contract says; else it ends with the first."""
    server = running_server()
    if server is None:
        print("No server answers here: start one with `make run` in another terminal.")
        return 1
    for provider in PREFIXES:
        person = Person(server.url, Customer.of(provider).phone)
        enters_pin = partial(enter_pin, server.simulator_url, person.phone)
        _, config = replay(person, provider, enters_pin=enters_pin)
        sign_off(person, config)
        print(f"{provider}: every call was answered as the contract says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
