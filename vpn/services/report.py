"""Takes an agent's report of what has passed: counted once, whatever is lost, repeated or late.

Locks subscriptions, then gateways, then what is theirs, as everybody does; each in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from bundles.models import Subscription
from bundles.services.use import begin_use
from cases.models import CaseKind
from cases.services import open_case
from common.among import among
from common.transactions import retried
from vpn.models import Gateway, Peer
from vpn.services.handshakes import note_handshakes
from vpn.services.health import Health, note_health
from vpn.services.meter import Count, meter
from vpn.services.publish import publish

CLOCKS_DIFFER_BY = timedelta(minutes=5)  # if by more, the server's time is taken
FAULTS_TOLD = 20


class Counter(NamedTuple):
    """Bytes from and to a peer since the epoch began, and its last handshake; 0 for never."""

    peer: int
    group: int
    up: int
    down: int
    handshake: int


@dataclass(frozen=True, slots=True)
class Report:
    """See docs/agent-protocol.md; `at` and handshakes are seconds since 1970."""

    epoch: str
    sequence: int
    at: int
    revision: int
    digest: str
    counters: Sequence[Counter]
    health: Health


class _Known(NamedTuple):
    gateway: int
    group: int
    state: str
    handshake_at: datetime | None


@retried
def take_report(*, gateway_id: int, report: Report) -> list[int]:
    """Write what a report tells; safe to repeat. Returns the peers in it that are not this gateway's.

    What cannot be believed is left out of the usage, and opens a case.
    """
    now = timezone.now()
    waiting = _lock_subscriptions({counter.group for counter in report.counters})
    known = _known_peers(report.counters)
    unknown = [
        counter.peer
        for counter in report.counters
        if counter.peer not in known or known[counter.peer].gateway != gateway_id
    ]
    faults = [f"peer {peer} is not this gateway's" for peer in unknown]
    counters = _billed(report.counters, known, set(unknown), faults)
    left = {counter.group for counter in counters if known[counter.peer].state != Peer.State.ACTIVE}
    gateway, others = _lock_gateways(gateway_id, left)
    is_newer = report.sequence > gateway.agent_sequence
    previous_epoch = gateway.agent_epoch
    if is_newer:
        note_health(gateway, report, now)

    grown, disbelieved = meter(
        [Count(counter.peer, counter.group, counter.up, counter.down) for counter in counters],
        epoch=report.epoch,
        at=_trusted(report.at, now),
        is_newer=is_newer,
    )
    handshakes = _new_handshakes(counters, known, now)
    note_handshakes(handshakes)
    begun = _begin_first_uses(counters, waiting, now)
    is_other_epoch = report.epoch != gateway.agent_epoch
    _publish(gateway, subscriptions=begun | (grown if is_other_epoch else set()))
    if previous_epoch not in ("", gateway.agent_epoch):
        _publish_used(gateway)
    for other in others:
        _publish(other, subscriptions=grown & left)
    _ask_staff(gateway, faults + disbelieved)
    return unknown


def _known_peers(counters: Iterable[Counter]) -> dict[int, _Known]:
    named = among(Peer, "id", {counter.peer for counter in counters})
    rows = Peer.objects.filter(named).values_list(
        "pk", "gateway_id", "subscription_id", "state", "handshake_at"
    )
    return {row[0]: _Known(*row[1:]) for row in rows}


def _billed(
    counters: Iterable[Counter],
    known: Mapping[int, _Known],
    unknown: Collection[int],
    faults: list[str],
) -> list[Counter]:
    """The counters of the gateway's own peers for subscriptions that are theirs, or were before."""
    own = [counter for counter in counters if counter.peer not in unknown]
    others = [counter for counter in own if counter.group != known[counter.peer].group]
    if not others:
        return own
    sold = _sold(
        {counter.group for counter in others} | {known[counter.peer].group for counter in others}
    )
    foreign = {
        (counter.peer, counter.group)
        for counter in others
        if sold.get(counter.group) != sold[known[counter.peer].group]
    }
    faults += [f"peer {peer} never was of subscription {group}" for peer, group in sorted(foreign)]
    return [counter for counter in own if (counter.peer, counter.group) not in foreign]


def _sold(subscription_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Whose each subscription is and to what: a peer goes on from one to the next of the same."""
    rows = Subscription.objects.filter(pk__in=subscription_ids)
    return {
        key: (customer, bundle)
        for key, customer, bundle in rows.values_list("pk", "customer_id", "bundle_id")
    }


def _lock_subscriptions(subscription_ids: Collection[int]) -> set[int]:
    """Lock them; returns those whose days have not begun."""
    if not subscription_ids:
        return set()
    named = among(Subscription, "id", subscription_ids)
    rows = Subscription.objects.select_for_update().filter(named).order_by("pk")
    return {key for key, awaits in rows.values_list("pk", "awaits_first_use") if awaits}


def _lock_gateways(gateway_id: int, left: Collection[int]) -> tuple[Gateway, list[Gateway]]:
    """The gateway, and those to which the subscriptions that left it have gone."""
    needed = Q(pk=gateway_id)
    if left:
        live = Peer.objects.filter(subscription__in=left, state=Peer.State.ACTIVE)
        needed |= Q(pk__in=set(live.values_list("gateway_id", flat=True)))
    locked = Gateway.objects.select_for_update().filter(needed).order_by("pk").in_bulk()
    return locked.pop(gateway_id), list(locked.values())


def _trusted(seconds: int, now: datetime) -> datetime:
    """When the report was made, by a clock that we trust; never after now."""
    is_near = abs(seconds - now.timestamp()) <= CLOCKS_DIFFER_BY.total_seconds()
    return min(_moment(seconds, now), now) if is_near else now


def _moment(seconds: int, now: datetime) -> datetime:
    """A time that a gateway tells, but none to come."""
    return datetime.fromtimestamp(min(seconds, int(now.timestamp())), UTC)


def _new_handshakes(
    counters: Iterable[Counter], known: Mapping[int, _Known], now: datetime
) -> dict[int, tuple[datetime | None, datetime]]:
    """Of each peer with a later handshake than was known: that one, and the new one."""
    found: dict[int, tuple[datetime | None, datetime]] = {}
    for counter in counters:
        if counter.handshake:
            before = known[counter.peer].handshake_at
            moment = _moment(counter.handshake, now)
            if before is None or moment > before:
                found[counter.peer] = (before, moment)
    return found


def _begin_first_uses(
    counters: Iterable[Counter], waiting: Collection[int], now: datetime
) -> set[int]:
    """Let the days of these begin that have a handshake. Returns them."""
    first: dict[int, datetime] = {}
    for counter in counters:
        if counter.group in waiting and counter.handshake:
            moment = _moment(counter.handshake, now)
            first[counter.group] = min(moment, first.get(counter.group, moment))
    begun = set()
    for subscription in Subscription.objects.filter(pk__in=first):
        moment = first[subscription.pk]
        if moment >= subscription.starts_at:  # else it is of what the device used before
            begin_use(subscription, at=moment)
            begun.add(subscription.pk)
    return begun


def _publish(gateway: Gateway, *, subscriptions: Collection[int]) -> None:
    """Let a locked gateway know the ends of these, and what they have used elsewhere."""
    if subscriptions:
        _publish_live(gateway, Q(subscription__in=subscriptions))


def _publish_used(gateway: Gateway) -> None:
    """Its counters began anew: it may have asked before the last of the old ones were known here."""
    _publish_live(gateway, Q(subscription__data_used_bytes__gt=0))


def _publish_live(gateway: Gateway, which: Q) -> None:
    live = Peer.objects.filter(which, gateway=gateway, state=Peer.State.ACTIVE)
    peers = list(live.select_related("subscription", "address"))
    for peer in peers:
        peer.gateway = gateway
    if peers:
        publish(gateway, peers)


def _ask_staff(gateway: Gateway, faults: Sequence[str]) -> None:
    if faults:
        more = len(faults) - FAULTS_TOLD
        told = [*faults[:FAULTS_TOLD], *([f"and {more} more"] if more > 0 else [])]
        open_case(
            kind=CaseKind.COUNTER_FAULT, subject=f"gateway:{gateway.pk}", detail="\n".join(told)
        )
