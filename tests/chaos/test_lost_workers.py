"""Workers that die with SIGKILL: one charge, one activation, whenever it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone

from bundles.models import Activation, Subscription
from payments.models import MobileMoneyTransaction, Posting, ProviderCall
from tests.person import Json, Person
from tests.simulator import CALLBACK_LOST, PAYS, Simulator, special
from tests.system import System
from tests.waiting import holds_for, wait_until

pytestmark = pytest.mark.redis

SERIES = 8
ANSWER_SECONDS = 15
CUSTOMER_SECONDS = 5


@pytest.fixture(autouse=True)
def all_run_again(system: System) -> Iterator[None]:
    """Whatever a test killed serves the next one."""
    yield
    for name in ("collect", "worker"):
        if not system.is_running(name):
            system.restart(name)


def attempts_of(system: System, payment: Json) -> Any:
    return system.rows(MobileMoneyTransaction).filter(reference=payment["transaction_reference"])


def assert_charged_and_served_once(system: System, simulator: Simulator, person: Person) -> None:
    subscriptions = system.rows(Subscription).filter(customer_id=person.id)
    wait_until(subscriptions.exists, 15)  # fulfilment follows completion, in its own transaction
    assert subscriptions.count() == 1
    assert len(simulator.charges(person.phone)) == 1
    assert system.rows(Activation).filter(purchase__customer_id=person.id).count() == 1
    calls = system.rows(ProviderCall).filter(attempt__payment__payer_id=person.id, kind="collect")
    assert calls.count() == 1
    postings = system.rows(Posting).filter(payment__payer_id=person.id)
    assert postings.filter(source__startswith="collection:").count() == 1


def kill_while_the_provider_is_asked(system: System, simulator: Simulator, person: Person) -> Json:
    """The provider has the request, our side does not have the answer, and the worker is dead."""
    simulator.answers_after(ANSWER_SECONDS)
    # The customer pays after the worker is dead.
    simulator.configure(answer_seconds=CUSTOMER_SECONDS)
    asked_before = simulator.prompts()
    payment = person.asks_to_pay()
    wait_until(lambda: simulator.prompts() > asked_before, 15)
    system.kill("collect")
    attempt = attempts_of(system, payment).get()
    assert (attempt.status, attempt.api_response) == ("pending", None)
    assert simulator.charges(person.phone) == []
    return payment


@pytest.mark.parametrize("provider", ["vodacom_mpesa", "tigo_pesa", "airtel_money"])
def test_killed_between_the_providers_call_and_the_commit(
    system: System, simulator: Simulator, newcomer: Callable[..., Person], provider: str
) -> None:
    """The callback completes it; M-Pesa's finds its attempt by the token, as no handle was kept."""
    person = newcomer(phone=special(PAYS, provider, SERIES))
    payment = kill_while_the_provider_is_asked(system, simulator, person)
    system.restart("collect")
    person.sees(payment, "completed", ANSWER_SECONDS + 10)
    assert_charged_and_served_once(system, simulator, person)


def test_killed_and_the_callback_lost_too_the_query_completes_it(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    """Airtel can be asked by our own reference, three minutes after the request."""
    person = newcomer(phone=special(CALLBACK_LOST, "airtel_money", SERIES))
    payment = kill_while_the_provider_is_asked(system, simulator, person)
    system.restart("collect")
    wait_until(lambda: simulator.charges(person.phone), ANSWER_SECONDS + 10)
    posted_at = timezone.now() - timedelta(minutes=3)
    attempts_of(system, payment).update(posted_at=posted_at, next_check_at=timezone.now())
    person.sees(payment, "completed", 15)
    assert_charged_and_served_once(system, simulator, person)


def test_the_dead_workers_message_comes_back_and_prompts_nobody_again(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    """Redis gives a killed worker's message back after minutes; here it is simply sent again."""
    person = newcomer(phone=special(PAYS, "tigo_pesa", SERIES + 1))
    payment = kill_while_the_provider_is_asked(system, simulator, person)
    system.restart("collect")
    attempt = attempts_of(system, payment).get()
    asked = simulator.prompts()
    with Celery(broker=system.redis_url, set_as_current=False) as app:
        for _ in range(3):
            app.send_task("payments.tasks.push", [attempt.pk], queue="collect")
    person.sees(payment, "completed", ANSWER_SECONDS + 10)
    holds_for(lambda: simulator.prompts() == asked, 1)
    assert_charged_and_served_once(system, simulator, person)


def test_killed_again_and_again_while_ten_customers_pay(
    system: System, simulator: Simulator, newcomer: Callable[..., Person]
) -> None:
    """The worker that settles and fulfils dies in the middle of it, three times."""
    people = [newcomer(each) for each in ("vodacom_mpesa", "tigo_pesa", "airtel_money") * 4]
    pays = {person.phone.removeprefix("+"): "pays" for person in people}
    simulator.configure(numbers=pays, answer_seconds=1)
    payments = [person.asks_to_pay() for person in people]
    mine = system.rows(Posting).filter(payment__payer_id__in=[person.id for person in people])
    for done in (1, 4, 8):
        wait_until(partial(_has, mine, done), 30)
        system.kill("worker")
        system.restart("worker")
    for person, payment in zip(people, payments, strict=True):
        person.sees(payment, "completed", 30)
        subscribed = system.rows(Subscription).filter(customer_id=person.id)
        wait_until(subscribed.exists, 15)
        assert_charged_and_served_once(system, simulator, person)


def _has(rows: Any, at_least: int) -> bool:
    return bool(rows.count() >= at_least)
