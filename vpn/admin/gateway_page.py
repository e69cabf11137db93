"""What a gateway's page tells. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from cases.models import Case
from common.clock import business_day
from vpn.admin.charts import Chart, chart
from vpn.gateway_health import facts
from vpn.models import Address, Gateway, Peer, Usage
from vpn.traffic import by_day

DAYS = 30


@dataclass(frozen=True, slots=True)
class Addresses:
    """Those that devices have, those that rest, and those that can be given out."""

    used: int
    resting: int
    left: int


@dataclass(frozen=True, slots=True)
class GatewayPage:
    gateway: Gateway
    facts: list[str]
    addresses: Addresses
    suspended: int
    traffic: Chart
    cases: list[Case]


def page_of(gateway: Gateway) -> GatewayPage:
    """Five queries, whatever its traffic."""
    now = timezone.now()
    rows = Usage.objects.filter(peer__gateway=gateway)
    suspended = Peer.objects.filter(gateway=gateway, state=Peer.State.SUSPENDED)
    subject = f"gateway:{gateway.pk}"
    return GatewayPage(
        gateway=gateway,
        facts=list(facts(gateway, now)),
        addresses=_addresses(gateway),
        suspended=suspended.count(),
        traffic=chart(by_day(rows, until=business_day(now), days=DAYS)),
        cases=list(Case.objects.filter(subject=subject, state=Case.State.OPEN)),
    )


def _addresses(gateway: Gateway) -> Addresses:
    rested = Q(free_at__lte=timezone.now())
    counts = Address.objects.filter(gateway=gateway).aggregate(
        used=Count("pk", filter=Q(free_at=None)),
        resting=Count("pk", filter=Q(free_at__gt=timezone.now())),
        rested=Count("pk", filter=rested),
    )
    return Addresses(counts["used"], counts["resting"], gateway.never_used + counts["rested"])
