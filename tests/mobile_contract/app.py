"""The app's requests, as APIClient makes them."""

from __future__ import annotations

from typing import Any

from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import User

PASSWORD = "a-long-fake-password"


def signed_in(person: User) -> APIClient:
    """An app that holds a person's token."""
    return with_token(token_of(person))


def token_of(person: User) -> str:
    return str(AuthToken.objects.create(person)[1])


def with_token(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def initiate(app: APIClient, bundle_id: Any, phone: str, **changes: Any) -> Any:
    """The released app's request to pay; `headers` are its headers, the rest changes its body."""
    headers = changes.pop("headers", {})
    body = {
        "bundle_id": bundle_id,
        "phone_number": phone,
        "provider": "pesapal",
        "payment_method": "pesapal",
        **changes,
    }
    return app.post("/api/payments/initiate", body, format="json", headers=headers)
