"""`/metrics` for Prometheus: figures of the business, made at each scrape.

They come from the database and from what all processes share, so any process tells the same. Each
query reads what is alive or an hour old by an index, never the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from redis.exceptions import RedisError

from backoffice.heartbeat import heartbeat_age
from backoffice.money_check import last_check
from cases.models import Case, CaseKind
from common.source_address import is_within, source_address
from notifications.models import Message
from notifications.services.watch_credit import credits_left
from payments.models import (
    UNANSWERED,
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    Transfer,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.breaker import BreakerState
from payments.states import LIVE, OPEN_TRANSFERS, State, TransferState
from vpn.models import Gateway
from vpn.selectors import addresses_left

RECENT = timedelta(hours=1)
SECONDS_TO_PAID = (5, 10, 20, 30, 60, 120, 300, 600)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures in Prometheus' text format, for the networks of METRICS_SOURCES."""
    if not _may_read(request):
        raise PermissionDenied
    figures = CollectorRegistry(auto_describe=False)
    figures.register(Figures())
    return HttpResponse(generate_latest(figures), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    source = source_address(request)
    # Else everybody behind a proxy that TRUSTED_PROXIES forgot would come from its address.
    is_hidden = "X-Forwarded-For" in request.headers and source == request.META.get("REMOTE_ADDR")
    return is_within(source, settings.METRICS_SOURCES) and not is_hidden


class Figures:
    """What a scrape collects. New figures are one more function in `collect`."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from _recent_payments(now)
        yield from _seconds_to_paid(now)
        yield from _unsettled(now)
        yield from _transfers(now)
        yield from _deliveries(now)
        yield from _open_cases()
        yield from _outbox(now)
        yield from _sms_credit()
        yield from _gateways(now)
        yield from _providers()
        yield from _heartbeat()
        yield from _money_check()


def _recent_payments(now: datetime) -> Iterator[Metric]:
    payments = Gauge(
        "konektika_payments",
        "Payments begun in the last hour, by what became of them",
        labels=["provider", "state", "reason"],
    )
    rows = (
        Payment.objects.filter(created_at__gte=now - RECENT)
        .order_by()
        .values_list("payment_method", "state", "reason")
        .annotate(Count("pk"))
    )
    for provider, state, reason, count in rows:
        payments.add_metric([provider, state, reason], count)
    yield payments


def _seconds_to_paid(now: datetime) -> Iterator[Metric]:
    paid = Gauge(
        "konektika_prompt_to_paid_seconds_bucket",
        "Payments begun in the last hour and paid at most `le` seconds after the prompt",
        labels=["provider", "le"],
    )
    within = {
        str(seconds): Count(
            "pk", filter=Q(payment__paid_at__lte=F("posted_at") + timedelta(seconds=seconds))
        )
        for seconds in SECONDS_TO_PAID
    }
    rows = (
        MobileMoneyTransaction.objects.filter(
            payment__created_at__gte=now - RECENT, status=State.COMPLETED, posted_at__isnull=False
        )
        .order_by()
        .values("provider")
        .annotate(**{f"within_{name}": count for name, count in within.items()}, paid=Count("pk"))
    )
    for row in rows:
        for name in within:
            paid.add_metric([row["provider"], name], row[f"within_{name}"])
        paid.add_metric([row["provider"], "+Inf"], row["paid"])
    yield paid


def _unsettled(now: datetime) -> Iterator[Metric]:
    rows = (
        MobileMoneyTransaction.objects.filter(status__in=LIVE)
        .order_by()
        .values_list("provider")
        .annotate(Count("pk"), Min("created_at"))
    )
    yield from _waiting(
        "konektika_payments_unsettled",
        "payments that are initiated or pending",
        "provider",
        dict.fromkeys(ProviderName.values, (0, None))
        | {provider: (count, oldest) for provider, count, oldest in rows},
        now,
    )


def _transfers(now: datetime) -> Iterator[Metric]:
    """`unknown` is what is pending without any word of the provider: it may have arrived or not."""
    rows = (
        Transfer.objects.filter(state__in=OPEN_TRANSFERS)
        .order_by()
        .values_list("kind", "state", "outcome")
        .annotate(Count("pk"), Min("posted_at"))
    )
    counts = dict.fromkeys(product(Transfer.Kind.values, (*OPEN_TRANSFERS, "unknown")), 0)
    unknown_since = []
    for kind, state, outcome, count, posted_at in rows:
        is_unknown = state == TransferState.PENDING and outcome in UNANSWERED
        counts[kind, "unknown" if is_unknown else state] += count
        if is_unknown and posted_at is not None:
            unknown_since.append(posted_at)
    transfers = Gauge(
        "konektika_transfers", "Outgoing money that is not confirmed", labels=["kind", "state"]
    )
    for (kind, state), count in counts.items():
        transfers.add_metric([kind, state], count)
    yield transfers
    yield Gauge(
        "konektika_transfers_unknown_oldest_seconds",
        "Since the oldest unknown transfer was sent, 0 without any",
        value=_age(min(unknown_since, default=None), now),
    )


def _deliveries(now: datetime) -> Iterator[Metric]:
    rows = (
        WebhookDelivery.objects.filter(next_try_at__isnull=False)
        .order_by()
        .values("dialect")
        .annotate(
            count=Count("pk"),
            oldest=Min("received_at"),
            unmatched=Count("pk", filter=Q(tries__gt=0)),
        )
    )
    nothing = {"count": 0, "oldest": None, "unmatched": 0}
    found: dict[str, Any] = {dialect.name: nothing for dialect in registry.DIALECTS}
    found |= {row["dialect"]: row for row in rows}
    yield from _waiting(
        "konektika_deliveries_waiting",
        "stored callbacks that are not processed",
        "dialect",
        {name: (row["count"], row["oldest"]) for name, row in found.items()},
        now,
    )
    unmatched = Gauge(
        "konektika_deliveries_unmatched",
        "Of those, callbacks that have matched no payment so far; after a minute they are a case",
        labels=["dialect"],
    )
    for name, row in found.items():
        unmatched.add_metric([name], row["unmatched"])
    yield unmatched


def _open_cases() -> Iterator[Metric]:
    rows = (
        # The kinds are named so that the index of open cases is entered at each of them.
        Case.objects.filter(kind__in=CaseKind.values, open_subject__isnull=False)
        .order_by()
        .values_list("kind")
        .annotate(Count("pk"))
    )
    cases = Gauge("konektika_open_cases", "What a person must decide", labels=["kind"])
    for kind, count in {**dict.fromkeys(CaseKind.values, 0), **dict(rows)}.items():
        cases.add_metric([kind], count)
    yield cases


def _outbox(now: datetime) -> Iterator[Metric]:
    waiting: dict[str, Any] = Message.objects.filter(next_attempt_at__isnull=False).aggregate(
        count=Count("pk"), oldest=Min("created_at")
    )
    yield Gauge("konektika_outbox_waiting", "Messages that are not sent", value=waiting["count"])
    yield Gauge(
        "konektika_outbox_waiting_oldest_seconds",
        "Age of the oldest of them, 0 without any",
        value=_age(waiting["oldest"], now),
    )
    messages = Gauge(
        "konektika_messages",
        "Messages of the last hour, by what became of them; unknown may have arrived",
        labels=["channel", "state"],
    )
    rows = (
        Message.objects.filter(created_at__gte=now - RECENT)
        .order_by()
        .values_list("channel", "state")
        .annotate(Count("pk"))
    )
    for channel, state, count in rows:
        messages.add_metric([channel, state], count)
    yield messages


def _sms_credit() -> Iterator[Metric]:
    credit = Gauge(
        "konektika_sms_credit",
        "What is left of our account with a provider of SMS, absent when it was not told lately",
        labels=["channel", "unit"],
    )
    try:
        left = credits_left()
    except RedisError:
        return
    for channel, each in left.items():
        credit.add_metric([channel, each.unit], each.amount)
    yield credit


def _gateways(now: datetime) -> Iterator[Metric]:
    """Of those that an agent has enrolled, unless they are out of service."""
    labels = ["gateway", "region"]
    silent = Gauge(
        "konektika_gateway_silent_seconds",
        "Since a gateway's agent last reported, or enrolled if it never did since",
        labels=labels,
    )
    peers = Gauge("konektika_gateway_peers", "Devices that it is to serve", labels=labels)
    capacity = Gauge(
        "konektika_gateway_capacity",
        "Devices that it may serve, while it takes new ones",
        labels=labels,
    )
    left = Gauge(
        "konektika_gateway_addresses_left",
        "Tunnel addresses that it can give out, while it takes new devices",
        labels=labels,
    )
    differs = Gauge(
        "konektika_gateway_differs",
        "1 while it serves something else than it should",
        labels=labels,
    )
    refuses = Gauge(
        "konektika_gateway_refuses", "1 while it refuses to remove many devices", labels=labels
    )
    enrolled = Gateway.objects.filter(public_key__isnull=False)
    gateways = list(enrolled.exclude(state=Gateway.State.OFFLINE).order_by("name"))
    addresses = addresses_left(gateways)
    for gateway in gateways:
        named = [gateway.name, gateway.region]
        silent.add_metric(named, _age(gateway.seen_at, now))
        peers.add_metric(named, gateway.peers_served)
        if gateway.state == Gateway.State.ACTIVE:
            capacity.add_metric(named, gateway.capacity)
            left.add_metric(named, addresses[gateway.pk])
        differs.add_metric(named, float(gateway.reports_differing > 0))
        refuses.add_metric(named, float(gateway.refused_revision is not None))
    yield from (silent, peers, capacity, left, differs, refuses)


def _providers() -> Iterator[Metric]:
    states = Gauge(
        "konektika_breaker_state",
        "1 for the state that a provider's breaker is in",
        labels=["dialect", "state"],
    )
    skew = Gauge(
        "konektika_provider_clock_skew_seconds",
        "By how much a provider's clock was before ours, a day ago at most",
        labels=["dialect"],
    )
    for dialect in registry.DIALECTS:
        gate = registry.gate(dialect.name)
        current = gate.state
        for state in BreakerState:
            states.add_metric([dialect.name, state], float(state == current))
        if (seconds := gate.clock_skew) is not None:
            skew.add_metric([dialect.name], seconds)
    yield states
    yield skew


def _heartbeat() -> Iterator[Metric]:
    try:
        age = heartbeat_age()
    except RedisError:
        return  # an alert knows that there is none
    if age is not None:
        yield Gauge(
            "konektika_heartbeat_age_seconds", "Since beat last reached a worker", value=age
        )


def _money_check() -> Iterator[Metric]:
    try:
        last = last_check()
    except RedisError:
        return
    if last is None:
        return
    yield Gauge(
        "konektika_money_check_ok", "1 when the last check of the books held", value=last.is_ok
    )
    yield Gauge(
        "konektika_money_check_age_seconds", "Since that check ended", value=last.age_seconds
    )


def _waiting(
    name: str,
    what: str,
    label: str,
    figures: Mapping[str, tuple[int, datetime | None]],
    now: datetime,
) -> Iterator[Metric]:
    """How many there are of each, and the age of the oldest."""
    counts = Gauge(name, f"How many {what}", labels=[label])
    ages = Gauge(
        f"{name}_oldest_seconds", f"Age of the oldest of the {what}, 0 without any", labels=[label]
    )
    for value, (count, oldest) in figures.items():
        counts.add_metric([value], count)
        ages.add_metric([value], _age(oldest, now))
    yield counts
    yield ages


def _age(oldest: datetime | None, now: datetime) -> float:
    return 0.0 if oldest is None else max((now - oldest).total_seconds(), 0.0)
