"""A customer dials the provider's menu and pays with the reference that the app showed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bundles.models import Subscription
from tests.person import Person
from tests.simulator import Simulator
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.redis


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa"])
def test_a_bill_paid_from_the_menu_is_served(
    system: System, simulator: Simulator, newcomer: Callable[..., Person], provider: str
) -> None:
    person = newcomer(provider)
    bundle = person.bundle()
    offer = person.posts("/payments/paybill", bundle_id=bundle["id"])
    bill = simulator.pays_bill(
        provider, person.phone.removeprefix("+"), offer["reference"], bundle["price"]
    )
    assert bill["state"] == "paid", bill
    subscribed = system.rows(Subscription).filter(customer_id=person.id, state="active")
    wait_until(subscribed.exists, 15)
    (paid,) = person.gets("/payments/history")["payments"]
    assert (paid["status"], paid["receipt"]) == ("completed", bill["receipt"])
