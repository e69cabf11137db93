"""Customers who have paid, and their app."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.sign_in import new_token
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.models import Payment
from payments.tests.conftest import providers as providers
from payments.tests.factories import a_customer
from vpn.models import Gateway
from vpn.tests.factories import first_gateway


@pytest.fixture(autouse=True)
def gateway(transactional_db: None) -> Gateway:
    return first_gateway()


@pytest.fixture
def paid() -> Payment:
    """A bundle of 1,000 TZS, paid and served."""
    return pay(a_customer(), a_bundle())


@pytest.fixture
def app_of() -> Callable[[User], APIClient]:
    def sign_in(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(user=user)}")
        return client

    return sign_in
