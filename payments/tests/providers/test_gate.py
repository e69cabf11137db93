"""The whole gate: breaker before turns, and a look at the provider's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from common.shared_redis import SharedRedis
from payments.providers.base import Withheld
from payments.providers.breaker import FAILURES_MAX, BreakerState
from payments.providers.gate import SharedGate
from payments.providers.http import (
    CallFailed,
    Exchange,
    GateClosed,
    HeldBack,
    HttpOptions,
    NotSent,
    ProviderHttp,
)
from payments.tests.providers.answers import OK, exchange, sends

pytestmark = pytest.mark.redis


@pytest.fixture
def gate(shared: str) -> SharedGate:
    return SharedGate(SharedRedis(shared), "provider", per_second=0)


def opened(gate: SharedGate) -> SharedGate:
    for _ in range(FAILURES_MAX):
        with pytest.raises(CallFailed):
            gate.call(sends(NotSent), waits_for_pin=False)
    assert gate.state == BreakerState.OPEN
    return gate


def answered_at(moment: datetime) -> Exchange:
    return exchange(json={}, headers={"date": format_datetime(moment, usegmt=True)})


def test_out_of_order_is_told_before_any_waiting(gate: SharedGate) -> None:
    gate.call(sends(exchange(503, headers={"Retry-After": "30"})), waits_for_pin=False)
    with pytest.raises(GateClosed) as caught:
        gate.call(sends(OK), waits_for_pin=False)
    assert caught.value.withheld == Withheld.NOT_ITS_TURN


def test_a_call_that_is_held_back_leaves_nothing_and_says_why(gate: SharedGate) -> None:
    http = ProviderHttp("http://provider.example", HttpOptions(gate=opened(gate)))
    with pytest.raises(HeldBack) as caught:
        http.call("POST", "/pay", json_body={"Amount": 1})
    answer = caught.value.collect_answer()
    assert (answer.outcome, answer.reason) == ("not_sent", "unavailable")
    assert answer.withheld == Withheld.OUT_OF_ORDER
    assert answer.request["url"] == "http://provider.example/pay"
    assert caught.value.query_answer().outcome == "unknown"


@pytest.mark.parametrize(("minutes", "is_told"), [(-10, True), (10, True), (0, False)])
def test_a_clock_that_is_wrong_is_told_and_changes_nothing(
    gate: SharedGate, caplog: pytest.LogCaptureFixture, minutes: int, is_told: bool
) -> None:
    answer = answered_at(datetime.now(UTC) + timedelta(minutes=minutes))
    assert gate.call(sends(answer), waits_for_pin=False) is answer
    assert gate.clock_skew == pytest.approx(60 * minutes, abs=2)
    assert ("clock of provider" in caplog.text) == is_told


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 25 Nov 2026 15:38:54 -0000"])
def test_an_answer_without_a_time_tells_nothing(gate: SharedGate, date: str | None) -> None:
    headers = {} if date is None else {"Date": date}
    gate.call(sends(exchange(json={}, headers=headers)), waits_for_pin=False)
    assert gate.clock_skew is None


def test_a_clock_is_compared_once_a_minute(gate: SharedGate) -> None:
    for minutes in (5, 9):
        answer = answered_at(datetime.now(UTC) + timedelta(minutes=minutes))
        gate.call(sends(answer), waits_for_pin=False)
    assert gate.clock_skew == pytest.approx(300, abs=2)
