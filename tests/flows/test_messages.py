"""SMS reach the phones of the simulator, and one that does not keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from notifications.models import Message
from tests.person import Person
from tests.simulator import PAYS, Simulator, special
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.redis

IN_TIME_SECONDS = 10
DEAF_SECONDS = 20


@pytest.fixture
def deaf(simulator: Simulator) -> Iterator[Simulator]:
    """The provider of SMS takes every request, and answers late."""
    simulator.configure(beem={"send": {"latency_seconds": DEAF_SECONDS}})
    yield simulator
    simulator.configure(beem={"send": {"latency_seconds": 0}})


def sent(system: System, phone: str) -> list[tuple[str, str, str]]:
    rows = system.rows(Message).filter(to=phone).order_by("pk")
    return list(rows.values_list("state", "delivery", "text"))


def test_a_customer_reads_on_the_phone_what_the_log_says(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    person = newcomer(phone=special(PAYS, "tigo_pesa", 3))
    person.sees(person.asks_to_pay(), "completed", IN_TIME_SECONDS)
    wait_until(lambda: len(simulator.texts(person.phone)) == 2, IN_TIME_SECONDS)
    wait_until(
        lambda: [each[:2] for each in sent(system, person.phone)] == [("sent", "delivered")] * 2,
        IN_TIME_SECONDS,
    )
    log = [text for _, _, text in sent(system, person.phone)]
    assert sorted(log) == sorted(simulator.texts(person.phone))


def test_a_provider_of_sms_that_answers_nobody_delays_nothing_else(
    system: System, deaf: Simulator, newcomer: Callable[..., Person]
) -> None:
    people = [newcomer(phone=special(PAYS, "airtel_money", series)) for series in (1, 2, 3, 4, 9)]
    payments = [person.asks_to_pay() for person in people]
    for person, payment in zip(people, payments, strict=True):
        person.sees(payment, "completed", IN_TIME_SECONDS)
        person.configuration(person.bundle()["id"])
        assert "sent" not in [state for state, _, _ in sent(system, person.phone)]
