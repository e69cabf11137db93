"""Redis loses everything: rows carry the work, so the sweeps finish it within seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bundles.models import Subscription
from payments.models import MobileMoneyTransaction, Payment, WebhookDelivery
from tests.person import Person
from tests.simulator import PAYS, Simulator, special
from tests.system import System
from tests.waiting import holds_for, wait_until

pytestmark = pytest.mark.redis

SERIES = 6
SECONDS = 15


def assert_served_once(system: System, simulator: Simulator, person: Person) -> None:
    assert len(simulator.charges(person.phone)) == 1
    subscribed = system.rows(Subscription).filter(customer_id=person.id)
    wait_until(subscribed.exists, 10)
    assert subscribed.count() == 1


def test_emptied_between_asking_to_pay_and_the_prompt(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    person = newcomer(phone=special(PAYS, "vodacom_mpesa", SERIES))
    system.stop_program("collect")
    payment = person.asks_to_pay()
    system.flush_redis()
    system.restart("collect")
    person.sees(payment, "completed", SECONDS)
    assert_served_once(system, simulator, person)


def test_emptied_between_the_callback_and_its_processing(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    person = newcomer(phone=special(PAYS, "tigo_pesa", SERIES))
    system.stop_program("worker")
    payment = person.asks_to_pay()
    reference = payment["transaction_reference"]
    stored = system.rows(WebhookDelivery).filter(state="received")
    before = stored.count()
    wait_until(lambda: stored.count() > before, SECONDS)
    assert person.payment(payment)["state"] == "pending"
    system.flush_redis()
    system.restart("worker")
    person.sees(payment, "completed", SECONDS)
    assert system.rows(MobileMoneyTransaction).get(reference=reference).webhook_data
    assert_served_once(system, simulator, person)


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa", "airtel_money"])
def test_emptied_while_all_run_and_nobody_is_restarted(
    system: System, simulator: Simulator, newcomer: Callable[..., Person], provider: str
) -> None:
    """Also what the broker knows of its queues is gone, and the shared access tokens."""
    person = newcomer(phone=special(PAYS, provider, SERIES - 1))
    system.flush_redis()
    payment = person.asks_to_pay()
    system.flush_redis()
    person.sees(payment, "completed", SECONDS)
    assert_served_once(system, simulator, person)


def test_emptied_between_completion_and_activation(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    """A payment that was completed by somebody who died before fulfilling it."""
    person = newcomer(phone=special(PAYS, "airtel_money", SERIES))
    payment = person.asks_to_pay()
    person.sees(payment, "completed", SECONDS)
    mine = system.rows(Payment).filter(public_id=payment["payment_id"])
    wait_until(mine.filter(disposition="fulfilled").exists, 10)
    mine.update(follow_up_at=mine.get().created_at)
    system.flush_redis()
    wait_until(mine.filter(follow_up_at=None).exists, SECONDS)
    assert_served_once(system, simulator, person)


def test_the_app_is_answered_while_redis_is_deaf(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    """Emptied over and over during the whole purchase: it still ends, once."""
    person = newcomer(phone=special(PAYS, "tigo_pesa", SERIES - 2))
    payment = person.asks_to_pay()

    def emptied() -> bool:
        system.flush_redis()
        return True

    holds_for(emptied, 2)
    person.sees(payment, "completed", SECONDS)
    assert_served_once(system, simulator, person)
