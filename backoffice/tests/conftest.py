"""Staff, and payments with a whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy
from payments.models import MobileMoneyTransaction, Payment
from payments.tests.conftest import SECRET_PATH
from payments.tests.conftest import providers as providers
from payments.tests.conftest import wire as wire
from payments.tests.factories import a_customer, a_phone
from payments.tests.test_webhooks import deliver, tigo
from vpn.tests.factories import first_gateway


@pytest.fixture
def staff(transactional_db: None, client: Client) -> Client:
    person = User.objects.create_superuser("staff@example.test", "x", full_name="Staff")
    client.force_login(person)
    return client


@pytest.fixture
def unpaid(transactional_db: None) -> MobileMoneyTransaction:
    """A Tigo payment that waits for its PIN."""
    first_gateway()
    payment = buy(a_customer(a_phone("tigo_pesa")), a_bundle())
    return payment.attempts.get()


@pytest.fixture
def paid(unpaid: MobileMoneyTransaction) -> Payment:
    """The same, paid by callback."""
    deliver(f"/api/webhooks/in/{SECRET_PATH}", tigo(unpaid.reference, MFSTransactionID="MFS777"))
    return Payment.objects.get(pk=unpaid.payment_id)


@pytest.fixture
def listed(staff: Client) -> Callable[..., list[Payment]]:
    """The payments that the list shows for a query string."""

    def show(**query: str) -> list[Payment]:
        answer: Any = staff.get("/admin/payments/payment/", query)
        assert answer.status_code == 200
        return list(answer.context["cl"].result_list)

    return show
