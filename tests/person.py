"""A customer with the app in hand: the released app's calls, over HTTP."""

from __future__ import annotations

from typing import Any

import requests

from tests.waiting import wait_until

PASSWORD = "a-long-fake-password"
TIMEOUT_SECONDS = 30  # as long as the app waits

Json = dict[str, Any]


class Person:
    """Somebody with an account; made by registering, as in the app."""

    def __init__(self, url: str, phone: str) -> None:
        self.phone = phone
        self.email = f"person{phone.removeprefix('+')}@example.test"
        self._url = url
        self.token = ""
        data = self.posts(
            "/auth/register",
            full_name="Neema Mteja",
            email=self.email,
            phone=phone,
            password=PASSWORD,
            user_type="client",
        )
        self.token = data["token"]
        self.id: int = data["user"]["id"]

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """One request, whatever its answer."""
        identity = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return requests.request(
            method,
            f"{self._url}/api{path}",
            json=json,
            headers={**identity, **(headers or {})},
            timeout=TIMEOUT_SECONDS,
        )

    def gets(self, path: str) -> Json:
        """The data of a GET that must succeed."""
        return _data(self.call("GET", path))

    def posts(self, path: str, **body: Any) -> Json:
        """The data of a POST that must succeed."""
        return _data(self.call("POST", path, json=body))

    def bundle(self, name: str = "Daily Bundle") -> Json:
        """An offer of the catalogue, by name."""
        bundles: list[Json] = self.gets("/bundles?limit=100")["bundles"]
        return next(bundle for bundle in bundles if bundle["name"] == name)

    def asks_to_pay(self, bundle_id: int | None = None, *, phone: str = "") -> Json:
        """Start paying as the released app does, which leaves the provider to the server."""
        return self.posts(
            "/payments/initiate",
            bundle_id=self.bundle()["id"] if bundle_id is None else bundle_id,
            phone_number=phone or self.phone,
            provider="pesapal",
            payment_method="pesapal",
        )

    def payment(self, payment: Json) -> Json:
        """A payment as the status screen shows it now."""
        return self.gets(f"/payments/status/{payment['payment_id']}")

    def sees(self, payment: Json, state: str, seconds: float) -> Json:
        """The payment, once its exact state is the given one."""

        def shown() -> Json | None:
            now = self.payment(payment)
            assert now["state"] in (state, "initiated", "pending"), now
            return now if now["state"] == state else None

        return wait_until(shown, seconds, every=0.1)

    def configuration(self, bundle_id: int) -> Json:
        """The VPN configuration of what was bought."""
        config: Json = self.posts("/vpn/generate-config", bundle_id=bundle_id)["config"]
        return config


def _data(response: requests.Response) -> Json:
    assert response.ok, f"{response.request.method} {response.url}: {response.text}"
    body = response.json()
    assert body["success"] is True
    assert body["message"]
    data: Json = body["data"]
    return data
