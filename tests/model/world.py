"""What stands around our code: providers, the broker's messages, the clock, and the schedule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
import time_machine
from celery.app.task import Task
from django.apps import apps
from django.db.models import Min, QuerySet
from django.test import RequestFactory
from django.utils import timezone
from django.utils.module_loading import import_string

from bundles import hooks
from bundles.models import Subscription, Terms
from common.errors import DomainError
from common.queue import hurry
from konektika.schedule import SCHEDULE
from notifications.models import Message
from payments import ledger, webhooks
from payments.errors import ProviderUnavailable, UnknownProvider
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    PromptLimits,
    Transfer,
    TransferRules,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.base import Provider
from payments.tasks import apply_deliveries
from payments.tests.emptying import delete_rows, filled_tables
from tests.model.faults import Fault, Faults, Injected, ProcessDied
from tests.model.provider import DESCRIPTIONS, NEVER_ASKED, ModelProvider, Shown, Wire
from vpn.tests.factories import first_gateway

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET_PATH = "secret-path"
OURS = ("payments.", "bundles.", "notifications.")
OUR_APPS = ("accounts", "cases", "notifications", "payments", "bundles", "vpn")
ELSEWHERE = ("payments.tasks.probe_providers",)  # what it asks stands before a provider, not here
SWEEPS = [job.task for job in SCHEDULE if job.task.startswith(OURS) and job.task not in ELSEWHERE]
MESSAGES_MAX = 60  # what waits longer is lost, as when the broker is emptied
FLOAT = 200_000  # TZS that each provider holds for sending, from the bank
NO_LIMIT = 30_000

Result = TypeVar("Result")


class Broken(RuntimeError):
    """Activation fails, as when a table is full."""


@dataclass(frozen=True)
class Sent(Shown):
    """A message that a worker may get: once, twice or never."""

    task: Any
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"<{self.task.name.rpartition('.')[2]} {self.args}>"


@dataclass
class World:
    """One of them lives as long as the test; each example begins it anew."""

    clock: time_machine.Traveller
    faults: Faults
    providers: dict[str, ModelProvider] = field(default_factory=dict)
    messages: list[Sent] = field(default_factory=list)
    failing_activations: int = 0
    is_broken: bool = False  # something did not hold: there is no use in going on

    def begin(self) -> None:
        """Everything anew: no customer, no message, no money moved but the float."""
        _empty_database()
        self.clock.move_to(START)
        self.messages.clear()
        self.failing_activations = 0
        self.is_broken = False
        self.providers = {
            description.dialect: ModelProvider(description) for description in DESCRIPTIONS
        }
        _lift_prompt_limits()
        first_gateway()
        Terms.current()
        TransferRules.current()
        for description in DESCRIPTIONS:
            ledger.post(
                source=f"float:{description.provider}",
                memo="topped up",
                lines=[
                    (ledger.disbursement_account(description.provider), FLOAT),
                    (ledger.BANK, -FLOAT),
                ],
            )

    def process(self, work: Callable[[], Result], fault: Fault | None = None) -> Result | None:
        """Let one process of ours work until it is done, refuses, fails by the fault or dies of it."""
        self.clock.shift(timedelta(seconds=1))
        with self.faults.armed(fault):
            try:
                return work()
            except (ProcessDied, Injected, DomainError):
                return None
            except Exception:
                self.is_broken = True
                raise

    def work(self, message: Sent, fault: Fault | None = None) -> None:
        """Have a worker do what a message says."""
        self.process(lambda: message.task(*message.args), fault)

    def work_off(self, most: int, fault: Fault | None = None) -> None:
        """Workers take the oldest messages; the first one meets the fault."""
        for _ in range(most):
            if not self.messages:
                return
            self.work(self.messages.pop(0), fault)
            fault = None

    def sweep(self, task: str, fault: Fault | None = None) -> None:
        self.process(import_string(task), fault)

    def deliver(
        self, dialect: str, body: object, *, token: str = "", is_proved: bool, fault: Fault | None
    ) -> None:
        """Post a callback to our webhook: by a way that proves it, or by one that anybody knows."""
        request = RequestFactory().post("/", data=json.dumps(body), content_type="application/json")
        if not is_proved:
            view = lambda: webhooks.provider_webhook(request, dialect)  # noqa: E731
        elif dialect == NEVER_ASKED.dialect:
            view = lambda: webhooks.secret_webhook(request, SECRET_PATH)  # noqa: E731
        else:
            view = lambda: webhooks.provider_webhook(request, dialect, token)  # noqa: E731
        self.process(view, fault)

    def settle_down(self, hops: int) -> None:
        """Nobody does anything any more: only time passes, and beat and the workers run.

        Time jumps to what is due next, and by longer and longer jumps over what is due soon.
        """
        for provider in self.providers.values():
            provider.draw = lambda wires: Wire.ANSWERED
            provider.meanwhile = lambda: None
            provider.delayed.clear()
        self.failing_activations = 0
        self.messages.clear()
        self._sweep_everything()
        for hop in range(hops):
            if (due := _next_due()) is None:
                return
            least = timezone.now() + timedelta(seconds=min(2**hop / 2, 86_400))
            self.clock.move_to(max(due + timedelta(milliseconds=1), least))
            self._sweep_everything()

    def _sweep_everything(self) -> None:
        for provider in self.providers.values():
            provider.waiting()  # ends the prompts whose time is over
        for task in SWEEPS:
            self.sweep(task)
        self.work_off(10_000)

    def queue(self, task: Any, args: tuple[Any, ...] = (), **_: Any) -> None:
        self.messages.append(Sent(task, tuple(args)))
        del self.messages[:-MESSAGES_MAX]

    def fail_if_told(self, subscription: Subscription) -> None:
        if self.failing_activations > 0:
            self.failing_activations -= 1
            raise Broken("a table is full")


@contextmanager
def built_world(patch: pytest.MonkeyPatch, settings: Any) -> Iterator[World]:
    """A world that our code lives in for the length of a `with` block."""
    settings.WEBHOOK_TOKENS = {SECRET_PATH: NEVER_ASKED.dialect}
    with (
        time_machine.travel(START, tick=False) as clock,
        Faults().installed() as faults,
    ):
        world = World(clock, faults)
        _plug_in(world, patch)
        patch.setattr(Task, "apply_async", lambda task, args=(), **more: world.queue(task, args))
        # Its thread would make the order of messages a chance.
        patch.setattr(webhooks, "hurry_delivery", lambda key: hurry(apply_deliveries, [key]))
        patch.setattr("common.transactions.time.sleep", lambda seconds: None)
        with (
            hooks.subscription_begun.temporarily(world.fail_if_told),
            hooks.subscription_extended.temporarily(world.fail_if_told),
        ):
            yield world


def _plug_in(world: World, patch: pytest.MonkeyPatch) -> None:
    """The registry knows the model's dialects alone."""

    def of(provider: str) -> Provider:
        for one in world.providers.values():
            if one.description.provider == provider:
                return one
        raise ProviderUnavailable(provider)

    def by_dialect(name: str) -> Provider:
        if name not in world.providers:
            raise UnknownProvider(name)
        return world.providers[name]

    for name, look_up in {
        "by_dialect": by_dialect,
        "enabled_provider": of,
        "disbursing_provider": of,
        "takes_payments": lambda provider: True,
        "is_known": lambda name: name in world.providers,
        "callback_sources": lambda name: [],
        "short_code": lambda name: "",
    }.items():
        patch.setattr(registry, name, look_up)


def _empty_database() -> None:
    """Delete every row of ours."""
    models = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    filled = filled_tables([model._meta.db_table for model in models])
    if filled:
        delete_rows(filled, reset_sequences=True)


def _lift_prompt_limits() -> None:
    """What keeps phones from being pestered would keep the machine from most of its purchases."""
    limits = PromptLimits.current()
    for column in limits._meta.fields:
        if column.name not in ("id", "pause_minutes"):
            setattr(limits, column.name, NO_LIMIT)
    limits.amount_first_day = limits.amount_first_week = 10**8
    limits.pause_minutes = 0
    limits.save()


def _next_due() -> datetime | None:
    """When the next row wants something."""
    times = [rows.aggregate(first=Min(column))["first"] for rows, column in _waiting_rows()]
    return min((time for time in times if time is not None), default=None)


def _waiting_rows() -> list[tuple[QuerySet[Any], str]]:
    """What sweeps look at, with the column that says when."""
    return [
        (MobileMoneyTransaction.objects.all(), "next_check_at"),
        (WebhookDelivery.objects.all(), "next_try_at"),
        (Payment.objects.all(), "follow_up_at"),
        (Transfer.objects.all(), "next_check_at"),
        (Message.objects.all(), "next_attempt_at"),
        (Subscription.objects.filter(state=Subscription.State.ACTIVE), "ends_at"),
    ]
