"""What a device's page tells. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.timesince import timesince

from cases.models import Case
from common.clock import business_day
from common.moments import Moment
from common.sizes import in_words
from vpn.admin.charts import Chart, chart
from vpn.models import ONLINE_FOR, ConfigLink, Connection, Gateway, Peer
from vpn.traffic import Traffic, by_day, of_peers

DAYS = 30
SHOWN = 50  # the newest of a long list


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the subscription's devices have used together; `percent` is of 100."""

    used: str
    limit: str
    percent: int
    end: str


@dataclass(frozen=True, slots=True)
class PeerPage:
    peer: Peer
    handshake: str
    step: str
    allowance: Allowance
    today: str
    ever: str
    traffic: Chart
    moments: list[Moment]
    cases: list[Case]


def page_of(peer: Peer) -> PeerPage:
    """Five queries, however much the device was used."""
    now = timezone.now()
    passed = of_peers([peer.pk], today=business_day(now)).get(peer.pk, Traffic())
    moments = [*_device(peer), *_links(peer, now), *_connections(peer)]
    return PeerPage(
        peer=peer,
        handshake=handshake(peer, now),
        step=_step(peer),
        allowance=_allowance(peer, now),
        today=in_words(passed.today),
        ever=in_words(passed.ever),
        traffic=chart(by_day(peer.usage.all(), until=business_day(now), days=DAYS)),
        moments=sorted(moments, key=lambda moment: moment.at, reverse=True),
        cases=list(Case.objects.filter(subject=f"peer:{peer.pk}", state=Case.State.OPEN)),
    )


def handshake(peer: Peer, now: datetime) -> str:
    """When it was connected last."""
    if peer.handshake_at is None:
        return "Never connected"
    if now - peer.handshake_at < ONLINE_FOR:
        return "Online"
    return f"Seen {timesince(peer.handshake_at, now, depth=1)} ago"


def _allowance(peer: Peer, now: datetime) -> Allowance:
    subscription = peer.subscription
    used, limit = subscription.data_used_bytes, subscription.data_limit_bytes
    until = f"{timezone.localtime(subscription.ends_at):%d.%m.%Y %H:%M}"
    end = "Ended" if subscription.state == subscription.State.ENDED else f"Until {until}"
    if subscription.is_active_at(now) and subscription.awaits_first_use:
        end = f"Begins with the first connection, by {until} at the latest"
    if subscription.used_up_at is not None:
        end = f"{end}; used up {timezone.localtime(subscription.used_up_at):%d.%m.%Y %H:%M}"
    return Allowance(
        used=in_words(used),
        limit=in_words(limit),
        percent=min(100 * used // max(limit, 1), 100),
        end=end,
    )


def _step(peer: Peer) -> str:
    """Whether the gateway has heard of the device's last change."""
    gateway: Gateway = peer.gateway
    if gateway.agent_revision >= peer.revision:
        what = "serves it" if peer.digest else "does not serve it"
        return f"In step: gateway {gateway} {what}, since revision {peer.revision}."
    return (
        f"Not yet in step: its last change is revision {peer.revision}, gateway {gateway} is at "
        f"{gateway.agent_revision}."
    )


def _device(peer: Peer) -> Iterator[Moment]:
    where = f"{', '.join(peer.tunnel_addresses)} on gateway {peer.gateway}"
    yield Moment(at=peer.created_at, kind="service", title="Has its address", detail=where)
    if peer.suspended_at is not None:
        yield Moment(
            at=peer.suspended_at,
            kind="service",
            title="Suspended",
            detail="it keeps its keys and its address",
            tone="bad",
        )
    if peer.revoked_at is not None:
        yield Moment(
            at=peer.revoked_at,
            kind="service",
            title="Revoked",
            detail=f"until then it had {where}",
            tone="bad",
        )


def _links(peer: Peer, now: datetime) -> Iterator[Moment]:
    for link in ConfigLink.objects.filter(peer=peer).order_by("-pk")[:SHOWN]:
        opened = "opened, and shown once" if link.used_at else "not opened"
        until = f"{timezone.localtime(link.expires_at):%d.%m. %H:%M}"
        left = f", good until {until}" if not link.used_at and now < link.expires_at else ""
        yield Moment(
            at=link.created_at,
            kind="message",
            title="A link to its configuration was sent",
            detail=opened + left,
        )


def _connections(peer: Peer) -> Iterator[Moment]:
    for row in Connection.objects.filter(peer=peer)[:SHOWN]:
        length = timesince(row.started_at, row.seen_at)
        yield Moment(
            at=row.started_at,
            kind="service",
            title="Connected",
            detail=f"last handshake {timezone.localtime(row.seen_at):%d.%m. %H:%M:%S}, after {length}",
            tone="good",
        )
