"""Every special number of the simulator ends in the right state, with every provider.

All payments start together, and each test looks at the end of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bundles.models import Seat
from cases.models import Case
from notifications.models import Message
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    ProviderCall,
    WebhookDelivery,
)
from tests import simulator as numbers
from tests.person import Json, Person
from tests.simulator import Simulator, special
from tests.system import System
from tests.waiting import wait_until

pytestmark = pytest.mark.redis

MPESA, TIGO, AIRTEL = PROVIDERS = ("vodacom_mpesa", "tigo_pesa", "airtel_money")
SERIES = 7
QUICK_SECONDS = 25

COMPLETES = {
    "pays": numbers.PAYS,
    "callback twice": numbers.CALLBACK_TWICE,
    "callback before the response": numbers.CALLBACK_FIRST,
    "500 after charging": numbers.ERROR_AFTER_CHARGING,
    "slow": numbers.SLOW,
}
FAILS = {
    "wrong_pin": numbers.WRONG_PIN,
    "insufficient_funds": numbers.INSUFFICIENT_FUNDS,
    "cancelled": numbers.CANCELLED,
    "no_answer": numbers.NEVER_ANSWERS,
}


@dataclass(frozen=True)
class Journey:
    """One purchase by one special number."""

    person: Person
    payment: Json

    @property
    def public_id(self) -> str:
        return str(self.payment["payment_id"])


@pytest.fixture(scope="module")
def journeys(started_system: System) -> Iterator[dict[tuple[str, str], Journey]]:
    """Everybody at once, by ending and provider."""
    control = Simulator(started_system.simulator_url)
    control.configure(prompt_seconds=2)
    started = {}
    for ending in (*COMPLETES.values(), *FAILS.values(), numbers.CALLBACK_LOST):
        for provider in PROVIDERS:
            person = Person(started_system.url, special(ending, provider, SERIES))
            started[ending, provider] = Journey(person, person.asks_to_pay())
    yield started
    control.behave_as_usual()


@pytest.fixture
def rows(system: System) -> Callable[..., Any]:
    """The system's rows of a model that belong to a journey's payment."""

    def of(model: Any, journey: Journey) -> Any:
        path = {Payment: "public_id", Seat: "customer_id"}.get(model, "payment__public_id")
        if model in (ProviderCall, WebhookDelivery):
            path = "attempt__payment__public_id"
        value = journey.person.id if model is Seat else journey.public_id
        return system.rows(model).filter(**{path: value})

    return of


@pytest.fixture
def assert_bought_once(
    system: System, simulator: Simulator, rows: Callable[..., Any]
) -> Callable[[Journey], None]:
    def check(journey: Journey) -> None:
        person = journey.person
        wait_until(rows(Payment, journey).filter(disposition="fulfilled").exists, 5)
        assert len(simulator.charges(person.phone)) == 1
        assert len(person.gets("/users/subscriptions")["subscriptions"]) == 1
        assert len(person.gets("/vpn/configs")["configs"]) == 1
        assert rows(PaymentEvent, journey).filter(to_state="completed").count() == 1
        sources = list(rows(Posting, journey).values_list("source", flat=True))
        assert [source.partition(":")[0] for source in sources] == ["collection", "sale"]
        assert rows(ProviderCall, journey).filter(kind="collect").count() == 1
        told = system.rows(Message).filter(to=person.phone)
        wait_until(lambda: set(told.values_list("state", flat=True)) == {"sent"}, 10)
        assert sorted(told.values_list("message_id", flat=True)) == [
            "payment_received",
            "vpn_ready",
        ]

    return check


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", COMPLETES)
def test_it_completes_once(
    journeys: dict[tuple[str, str], Journey],
    assert_bought_once: Callable[[Journey], None],
    name: str,
    provider: str,
) -> None:
    journey = journeys[COMPLETES[name], provider]
    journey.person.sees(journey.payment, "completed", QUICK_SECONDS)
    assert_bought_once(journey)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("reason", FAILS)
def test_it_fails_for_the_right_reason(
    system: System,
    simulator: Simulator,
    journeys: dict[tuple[str, str], Journey],
    rows: Callable[..., Any],
    reason: str,
    provider: str,
) -> None:
    journey = journeys[FAILS[reason], provider]
    shown = journey.person.sees(journey.payment, "failed", QUICK_SECONDS)
    assert (shown["status"], shown["reason"]) == ("failed", reason)
    assert simulator.charges(journey.person.phone) == []
    assert journey.person.gets("/users/subscriptions")["subscriptions"] == []
    wait_until(lambda: not rows(Seat, journey).exists(), 5)
    assert not rows(Posting, journey).exists()
    told = system.rows(Message).filter(to=journey.person.phone, state="sent")
    wait_until(told.exists, 10)
    assert list(told.values_list("message_id", flat=True)) == ["payment_failed"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_second_callback_says_nothing_new(
    journeys: dict[tuple[str, str], Journey], rows: Callable[..., Any], provider: str
) -> None:
    journey = journeys[numbers.CALLBACK_TWICE, provider]
    deliveries = rows(WebhookDelivery, journey).filter(processed_at__isnull=False)
    wait_until(lambda: deliveries.count() == 2, QUICK_SECONDS)
    assert sorted(deliveries.values_list("state", flat=True)) == ["applied", "repeated"]


def test_a_lost_mpesa_callback_is_made_up_for_by_asking(
    journeys: dict[tuple[str, str], Journey], assert_bought_once: Callable[[Journey], None]
) -> None:
    """At 15 s, by the polling plan."""
    journey = journeys[numbers.CALLBACK_LOST, MPESA]
    journey.person.sees(journey.payment, "completed", QUICK_SECONDS)
    assert_bought_once(journey)


def test_a_lost_airtel_callback_is_made_up_for_after_three_minutes(
    journeys: dict[tuple[str, str], Journey],
    rows: Callable[..., Any],
    assert_bought_once: Callable[[Journey], None],
) -> None:
    journey = journeys[numbers.CALLBACK_LOST, AIRTEL]
    attempts = _paid_and_waiting(journey, rows)
    assert attempts.get().next_check_at - attempts.get().posted_at == timedelta(minutes=3)

    posted_at = timezone.now() - timedelta(minutes=3)
    attempts.update(posted_at=posted_at, next_check_at=timezone.now())

    journey.person.sees(journey.payment, "completed", QUICK_SECONDS)
    assert_bought_once(journey)


def test_a_lost_tigo_callback_ends_in_a_case_because_tigo_cannot_be_asked(
    system: System,
    journeys: dict[tuple[str, str], Journey],
    rows: Callable[..., Any],
) -> None:
    journey = journeys[numbers.CALLBACK_LOST, TIGO]
    attempts = _paid_and_waiting(journey, rows)

    now = timezone.now()
    attempts.update(expires_at=now, next_check_at=now)

    shown = journey.person.sees(journey.payment, "expired", QUICK_SECONDS)
    assert shown["status"] == "failed"
    cases = system.rows(Case).filter(subject=f"payment:{journey.public_id}", state="open")
    wait_until(cases.exists, 5)
    assert journey.person.gets("/users/subscriptions")["subscriptions"] == []
    assert not rows(ProviderCall, journey).filter(kind="query").exists()


def _paid_and_waiting(journey: Journey, rows: Callable[..., Any]) -> Any:
    """The attempt of a journey whose prompt was answered by the provider."""
    answered = rows(ProviderCall, journey).filter(finished_at__isnull=False)
    wait_until(answered.exists, QUICK_SECONDS)
    return rows(MobileMoneyTransaction, journey)
