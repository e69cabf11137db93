"""How a gateway's agent does, as it tells it, or by its silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common.clock import in_business_time
from vpn.models import SILENT_AFTER, Gateway

if TYPE_CHECKING:
    from vpn.services.report import Report

DIFFERING_REPORTS = 3  # a change may be on its way


@dataclass(frozen=True, slots=True)
class Health:
    """The agent about itself; `refused_revision` is a state that would remove too many peers."""

    version: str
    backend: str
    peers: int
    repairs: int
    refused_revision: int | None


def note_health(gateway: Gateway, report: Report, now: datetime) -> None:
    """Keep what a locked gateway's newer report tells of itself; trouble is a case while it lasts."""
    was_well = gateway.has_reported and gateway.is_heard_at(now) and not _trouble(gateway)
    gateway.seen_at = now
    gateway.agent_sequence = report.sequence
    gateway.agent_epoch = report.epoch
    gateway.agent_revision = report.revision
    gateway.agent_digest = report.digest
    gateway.agent_version = report.health.version
    gateway.agent_backend = report.health.backend
    gateway.agent_repairs = report.health.repairs
    gateway.refused_revision = report.health.refused_revision
    if report.revision == gateway.revision:  # at another one there is nothing to compare
        differs = report.digest != gateway.digest
        gateway.reports_differing = min(gateway.reports_differing + 1, 1000) if differs else 0
    gateway.save(
        update_fields=[
            "seen_at",
            "agent_sequence",
            "agent_epoch",
            "agent_revision",
            "agent_digest",
            "agent_version",
            "agent_backend",
            "agent_repairs",
            "refused_revision",
            "reports_differing",
        ]
    )
    if trouble := _trouble(gateway):
        _ask_staff(gateway, trouble)
    elif not was_well:
        resolve_by_itself(
            kind=CaseKind.GATEWAY_TROUBLE,
            subject=f"gateway:{gateway.pk}",
            resolution="The gateway reports again that all is well.",
        )


def watch_gateways() -> int:
    """Open a case for each gateway that has peers and is silent. Returns how many there are."""
    now = timezone.now()
    silent = list(
        Gateway.objects.filter(peers_served__gt=0, seen_at__lte=now - SILENT_AFTER).exclude(
            state=Gateway.State.OFFLINE
        )
    )
    for gateway in silent:
        assert gateway.seen_at is not None  # noqa: S101 - it was compared above
        _ask_staff(gateway, f"Nothing was heard since {in_business_time(gateway.seen_at)}.")
    return len(silent)


def _trouble(gateway: Gateway) -> str:
    """What staff should look at; "" for nothing."""
    if gateway.refused_revision is not None:
        return (
            f"It refuses revision {gateway.refused_revision}, which would remove many of its peers. "
            "If that is right, allow it on the gateway's page."
        )
    if gateway.reports_differing >= DIFFERING_REPORTS:
        return f"At revision {gateway.agent_revision} it does not serve what it should."
    return ""


def _ask_staff(gateway: Gateway, detail: str) -> None:
    open_case(kind=CaseKind.GATEWAY_TROUBLE, subject=f"gateway:{gateway.pk}", detail=detail)
