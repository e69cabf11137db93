"""Whatever happens to reports on their way: no byte is counted twice, and all are once each epoch's
last report has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bundles.models import Subscription
from cases.models import Case
from vpn.agent_api.report import read_report
from vpn.invariants import INVARIANTS
from vpn.models import Connection, Gateway, Peer, Usage
from vpn.services.generate import generate_config
from vpn.services.report import take_report
from vpn.tests.reports import a_report

Subscribe = Callable[..., Subscription]

EXAMPLES = 60
BEGAN = datetime(2026, 11, 25, 20, 59, tzinfo=UTC)  # a minute before midnight in Dar es Salaam
BYTES = st.integers(min_value=0, max_value=10**8)
PASSES = st.tuples(st.just("pass"), st.integers(0, 2), BYTES, BYTES)
REPORTS = st.tuples(st.just("report"), st.sampled_from(["sent", "sent", "lost", "kept"]))
STEPS = st.lists(
    st.one_of(
        PASSES,
        PASSES,
        REPORTS,
        REPORTS,
        st.tuples(st.just("repeat"), st.integers(0, 50)),
        st.tuples(st.just("wait"), st.sampled_from([10, 60, 100, 3600, 86_400])),
        st.tuples(st.just("epoch ends")),
        st.tuples(st.just("agent restarts")),
    ),
    min_size=15,
    max_size=50,
)
# What was counted before midnight and comes after what was counted after it.
LATE_AT_MIDNIGHT = [
    ("pass", 0, 0, 100),
    ("report", "sent"),
    ("pass", 0, 0, 50),
    ("report", "kept"),
    ("wait", 100),
    ("pass", 0, 0, 100),
    ("report", "sent"),
    ("repeat", 1),
]


@dataclass
class Agent:
    """A gateway's counters and the agent's reports of them; what it keeps outlives a restart."""

    gateway: Gateway
    peers: list[Peer]
    clock: Any
    epochs: Iterator[int] = field(default_factory=count)
    sequence: int = 0
    epoch: str = ""
    counters: dict[int, list[int]] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    kept: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    passed: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """The counters are lost; the last of them were told, or are kept on the disk."""
        if self.counters:
            self.restart()
            self.kept.append(self.make_report())
        self.epoch = f"e{next(self.epochs)}"
        self.counters = {peer.pk: [0, 0] for peer in self.peers}

    def restart(self) -> None:
        """It does not know any more what has changed: it tells all."""
        self.changed = set(self.counters)

    def let_pass(self, number: int, up: int, down: int) -> None:
        peer = self.peers[number]
        self.counters[peer.pk][0] += up
        self.counters[peer.pk][1] += down
        self.changed.add(peer.pk)
        group = peer.subscription_id
        self.passed[group] = self.passed.get(group, 0) + up + down

    def make_report(self) -> dict[str, Any]:
        self.sequence += 1
        groups = {peer.pk: peer.subscription_id for peer in self.peers}
        report = a_report(
            self.gateway,
            *([key, groups[key], *self.counters[key], 0] for key in sorted(self.changed)),
            epoch=self.epoch,
            sequence=self.sequence,
        )
        self.changed.clear()
        self.made.append(report)
        return report

    def report(self, fate: str) -> None:
        """A report whose answer did not come is not known to be lost: all is told again."""
        report = self.make_report()
        if fate == "sent":
            self.arrive(report)
        else:
            self.restart()
        if fate == "kept":
            self.kept.append(report)

    def arrive(self, report: dict[str, Any]) -> None:
        take_report(gateway_id=self.gateway.pk, report=read_report(deepcopy(report)))
        self.is_not_too_much()

    def is_not_too_much(self) -> None:
        for key, used in Subscription.objects.values_list("pk", "data_used_bytes"):
            assert used <= self.passed.get(key, 0)

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("pass", number, up, down):
                self.let_pass(number, up, down)
            case ("report", fate):
                self.report(fate)
            case ("repeat", number) if self.made:
                self.arrive(self.made[number % len(self.made)])
            case ("wait", seconds):
                self.clock.shift(timedelta(seconds=seconds))
            case ("epoch ends",):
                self.begin_epoch()
            case ("agent restarts",):
                self.restart()

    def finish(self, backwards: bool) -> None:
        self.restart()
        self.kept.append(self.make_report())
        for report in reversed(self.kept) if backwards else self.kept:
            self.arrive(report)


@pytest.fixture
def peers(subscribe: Subscribe) -> list[Peer]:
    """Two devices of one subscription, and one of another, of more data than will pass."""
    shared = subscribe(max_connections=2, data_limit_gb=10_000)
    laptop = generate_config(
        customer=shared.customer, bundle_id=shared.bundle_id, device_name="laptop"
    )
    return [shared.peers.earliest("id"), laptop, subscribe(data_limit_gb=10_000).peers.get()]


def test_no_byte_is_lost_or_counted_twice(gateway: Gateway, peers: list[Peer]) -> None:
    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    @limits
    @example(steps=LATE_AT_MIDNIGHT, backwards=False)
    @given(steps=STEPS, backwards=st.booleans())
    def holds(steps: list[tuple[Any, ...]], backwards: bool) -> None:
        _begin_anew()
        with time_machine.travel(BEGAN, tick=False) as clock:
            agent = Agent(gateway, peers, clock)
            for step in steps:
                agent.do(step)
            agent.finish(backwards)
        for key, used in Subscription.objects.values_list("pk", "data_used_bytes"):
            assert used == agent.passed.get(key, 0)
        assert not Case.objects.exists()
        for invariant in INVARIANTS:
            assert list(invariant.find()) == [], invariant.name

    holds()


def _begin_anew() -> None:
    for model in (Usage, Connection, Case):
        model.objects.all().delete()
    Subscription.objects.update(data_used_bytes=0, told_percent=0, notice_at=None)
    Gateway.objects.update(agent_sequence=0, agent_epoch="", seen_at=None)
    Peer.objects.update(handshake_at=None, created_at=BEGAN)
