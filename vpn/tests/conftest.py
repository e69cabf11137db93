"""A gateway, and customers who have paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer
from vpn.models import Gateway
from vpn.tests.factories import first_gateway


@pytest.fixture(autouse=True)
def gateway(transactional_db: None) -> Gateway:
    return first_gateway()


@pytest.fixture
def subscribe() -> Callable[..., Subscription]:
    def subscribe_customer(customer: User | None = None, **bundle: Any) -> Subscription:
        customer = customer or a_customer()
        pay(customer, a_bundle(**bundle))
        return Subscription.objects.filter(customer=customer).latest("id")

    return subscribe_customer
