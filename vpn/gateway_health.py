"""How a gateway does, by what its agent has told: a word for the list, and the facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import models
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.timesince import timesince
from django.utils.timezone import localtime

from vpn.models import SILENT_AFTER, Gateway


class GatewayHealth(models.TextChoices):
    """The most pressing first."""

    NOT_ENROLLED = "not_enrolled", "Never enrolled"
    SILENT = "silent", "Silent"
    REFUSES = "refuses", "Refused a shrink"
    BEHIND = "behind", "Behind"
    HEARD = "heard", "Heard"


def with_health(gateways: QuerySet[Gateway], now: datetime) -> QuerySet[Gateway]:
    """The gateways, each with its `health`."""
    in_step = Q(agent_revision=F("revision"), agent_digest=F("digest"))
    return gateways.annotate(
        health=Case(
            When(public_key__isnull=True, then=Value(GatewayHealth.NOT_ENROLLED)),
            When(
                Q(seen_at__isnull=True) | Q(seen_at__lte=now - SILENT_AFTER),
                then=Value(GatewayHealth.SILENT),
            ),
            When(refused_revision__isnull=False, then=Value(GatewayHealth.REFUSES)),
            When(~in_step, then=Value(GatewayHealth.BEHIND)),
            default=Value(GatewayHealth.HEARD),
            output_field=models.CharField(),
        )
    )


def facts(gateway: Gateway, now: datetime) -> Iterator[str]:
    """What staff should know of it, in sentences."""
    if gateway.public_key is None or gateway.seen_at is None:
        yield "No agent has enrolled: make an enrolment token and give it to the machine."
        return
    if not gateway.has_reported:
        yield (
            f"Its agent enrolled {localtime(gateway.seen_at):%d.%m.%Y %H:%M:%S} and has not reported "
            "since."
        )
        return
    if gateway.is_heard_at(now):
        yield f"Its agent was heard {(now - gateway.seen_at).seconds} seconds ago."
    else:
        yield (
            f"Silent since {localtime(gateway.seen_at):%d.%m.%Y %H:%M:%S}, for "
            f"{timesince(gateway.seen_at, now)}. It may still serve what it was told last."
        )
    yield _step(gateway)
    if gateway.refused_revision is not None:
        yield (
            f"It refused revision {gateway.refused_revision}: more than a fifth of its devices would "
            "be gone. Find out why before you allow it."
        )
    if gateway.may_shrink_until is not None and now < gateway.may_shrink_until:
        yield f"It may remove devices until {localtime(gateway.may_shrink_until):%H:%M:%S}."
    if gateway.agent_repairs:
        yield f"Repairs of what something else had changed on the machine: {gateway.agent_repairs}."


def _step(gateway: Gateway) -> str:
    if gateway.agent_revision != gateway.revision:
        return f"Behind: it serves revision {gateway.agent_revision} of {gateway.revision}."
    if gateway.agent_digest != gateway.digest:
        return f"Behind: what it serves is not our revision {gateway.revision}."
    return f"In step: it serves our revision {gateway.revision}."
