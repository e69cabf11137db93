"""From signing up to a working VPN, as a customer sees it: the released app's calls, in its order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifications.models import Message
from payments.models import Entry
from tests.mobile_contract.shapes import (
    BUNDLE,
    CONFIG,
    INITIATED,
    PAYMENT,
    PROVIDER,
    SUBSCRIPTION,
    assert_shape,
)
from tests.person import Person
from tests.simulator import PAYS, Simulator, special
from tests.system import System
from tests.waiting import wait_until
from tests.wireguard import assert_usable

pytestmark = [pytest.mark.main_path, pytest.mark.redis]

ONLINE_WITHIN_SECONDS = 10


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa", "airtel_money"])
def test_a_customer_buys_a_bundle_and_connects(
    system: System,
    simulator: Simulator,
    newcomer: Callable[..., Person],
    tmp_path: Path,
    provider: str,
) -> None:
    person = newcomer(phone=special(PAYS, provider))
    assert person.gets("/auth/profile")["user"]["id"] == person.id

    bundle = person.bundle()
    assert_shape(bundle, BUNDLE)
    assert_shape(person.gets(f"/bundles/{bundle['id']}")["bundle"], BUNDLE)
    for each in person.call("GET", "/payments/providers").json()["providers"]:
        assert_shape(each, PROVIDER)
        assert each["enabled"]

    payment = person.asks_to_pay(bundle["id"])
    assert_shape(payment, INITIATED)
    assert (payment["payment_method"], payment["amount"]) == (provider, bundle["price"])

    paid = person.sees(payment, "completed", ONLINE_WITHIN_SECONDS)
    assert_shape(paid, PAYMENT)
    assert paid["status"] == "completed"

    config = person.configuration(bundle["id"])
    assert_shape(config, CONFIG)
    assert_usable(config["config_data"], tmp_path)
    assert person.configuration(bundle["id"]) == config
    assert person.gets("/vpn/configs")["configs"] == [config]

    (subscription,) = person.gets("/users/subscriptions")["subscriptions"]
    assert_shape(subscription, SUBSCRIPTION)
    assert (subscription["bundle_id"], subscription["is_active"]) == (bundle["id"], True)
    assert [each["payment_id"] for each in person.gets("/payments/history")["payments"]] == [
        payment["payment_id"]
    ]

    (charge,) = simulator.charges(person.phone)
    assert charge["amount"] == bundle["price"]
    assert paid["receipt"] == charge["receipt"]
    _assert_told(system, person, ["payment_received", "vpn_ready"])
    _assert_books_balance(system, payment["payment_id"])


def _assert_told(system: System, person: Person, messages: list[str]) -> None:
    sent = system.rows(Message).filter(to=person.phone, state="sent")
    wait_until(lambda: sent.count() == len(messages), 10)
    assert sorted(sent.values_list("message_id", flat=True)) == messages
    for text in sent.values_list("text", flat=True):
        assert "PrivateKey" not in text


def _assert_books_balance(system: System, payment_id: str) -> None:
    entries = system.rows(Entry).filter(posting__payment__public_id=payment_id)
    assert sum(entries.values_list("amount", flat=True)) == 0
    assert sum(entries.filter(account="receipts").values_list("amount", flat=True)) == 0
