"""People with the app in hand, inside this process: no provider and no worker answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Bundle
from bundles.tests.factories import a_bundle
from payments.models import Payment
from payments.providers import registry
from payments.providers.base import Answer, Outcome
from payments.services.settle import settle
from payments.tests.factories import a_customer
from tests.mobile_contract.app import signed_in


@pytest.fixture(autouse=True)
def clients_of_these_settings() -> Iterator[None]:
    registry.forget_clients()
    yield
    registry.forget_clients()


@pytest.fixture
def customer(db: None) -> User:
    return a_customer()


@pytest.fixture
def app(customer: User) -> APIClient:
    """The customer's app."""
    return signed_in(customer)


@pytest.fixture
def stranger(db: None) -> APIClient:
    """Somebody else's app."""
    return signed_in(a_customer())


@pytest.fixture
def nobody() -> APIClient:
    """An app whose user has not signed in."""
    return APIClient()


@pytest.fixture
def bundle(db: None) -> Bundle:
    return a_bundle()


@pytest.fixture
def pays() -> Callable[[str], None]:
    """Lets the provider say that a payment succeeded; what follows follows."""

    def succeed(payment_id: str) -> None:
        payment = Payment.objects.get(public_id=payment_id)
        settle(
            attempt_id=payment.attempts.get().pk,
            answer=Answer(
                outcome=Outcome.SUCCEEDED, receipt=f"R{payment.pk}", amount=payment.amount
            ),
            source="webhook",
            evidence="test",
        )

    return succeed
