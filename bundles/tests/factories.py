"""Bundles and purchases to test with."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from bundles.models import Bundle
from payments.tests.factories import a_customer


def a_bundle(owner: User | None = None, **changes: Any) -> Bundle:
    values: dict[str, Any] = {
        "name": "Daily Bundle",
        "data_limit_gb": 5,
        "price": 1000,
        "duration_days": 1,
        "max_clients": 50,
        **changes,
    }
    return Bundle.objects.create(owner=owner or a_customer(), **values)
