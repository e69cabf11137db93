"""From signing up to a working VPN, as a customer sees it: the released app's calls, in its order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifications.models import Message
from payments.models import Entry
from tests.mobile_contract.sequence import replay, sign_off
from tests.person import Person
from tests.simulator import PAYS, Simulator, special
from tests.system import System
from tests.waiting import wait_until
from tests.wireguard import assert_usable

pytestmark = pytest.mark.redis


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa", "airtel_money"])
def test_a_customer_buys_a_bundle_and_connects(
    system: System,
    simulator: Simulator,
    newcomer: Callable[..., Person],
    tmp_path: Path,
    provider: str,
) -> None:
    person = newcomer(phone=special(PAYS, provider))
    payment, config = replay(person, provider, enters_pin=lambda: None)
    assert_usable(config["config_data"], tmp_path)

    (charge,) = simulator.charges(person.phone)
    assert charge["amount"] == payment["amount"]
    assert payment["receipt"] == charge["receipt"]
    _assert_told(system, person, ["payment_received", "vpn_ready"])
    _assert_books_balance(system, payment["payment_id"])
    sign_off(person, config)


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
