"""nftables: who may send where, what is counted, and the packet at which an allowance ends.

All is in one table that outlives the agent. Counters, quotas and their epoch's name live and die
together in it, so an adopted table is never made anew: its rules alone are replaced, at once.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from vpn.agent.backend import BackendFailed, Bytes, CountersLost, Pair, Service
from vpn.agent.commands import Running, run

TABLE = "inet konektika"

# Nothing of this is a customer's to reach: the gateway's own side and the owner's network
# (RFC 6890), other customers, and what is no single host.
PRIVATE4 = (
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12,"
    " 192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/3"
)
# NAT64 would lead to private IPv4 addresses.
PRIVATE6 = "::/96, ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48, fc00::/7, fe80::/9, ff00::/8"

# Maps are by a customer's address. An address that is in no map gets nothing through.
_MAPS = {"up": "counter", "down": "counter", "quota": "quota", "rate": "limit", "class": "classid"}
_POLICED_BURST_MILLISECONDS = 250  # less, and TCP stays far below the plan's speed
_SMALLEST_BURST = 16_000  # bytes: some packets


@dataclass(frozen=True, slots=True)
class Place:
    """What the maps say of one peer."""

    group: int
    addresses: tuple[str, ...]
    kbps: int
    tc_class: int  # 0 is none


@dataclass(frozen=True, slots=True)
class Changes:
    """Where the table is not as it should be; a peer without a place gets nothing through."""

    places: Mapping[int, Place | None]  # by peer
    quotas: Mapping[int, int]  # bytes by group

    def __len__(self) -> int:
        return len(self.places) + len(self.quotas)


class Firewall:
    """Not for two processes at once: it knows what is in the table and writes only what changes."""

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self._places: dict[int, Place] = {}
        self._pairs: set[Pair] = set()  # whose two counters are there
        self._allowances: dict[int, int] = {}  # bytes by group, of the quotas that are there
        self._rates: set[tuple[int, int]] = set()  # (peer, kbps)
        self._spent: frozenset[str] = frozenset()  # addresses, as they were seen last
        self._rules_written: str | None = None  # as nft lists them; None until it has
        self._rules_found: str | None = None

    def open(self) -> str:
        """Adopt the table, or make one with a new epoch: the epoch's name."""
        run("nft", "-f", "-", fed=_tables())
        content = _listed("table", *TABLE.split())
        epoch = _epoch(content)
        if epoch is None:
            epoch = secrets.token_hex(16)
            run("nft", "-f", "-", fed=f"add counter {TABLE} epoch_{epoch}\n")
        self._learn(content)
        return epoch

    def write_rules(self, addresses: Iterable[str], neighbours: Iterable[str]) -> None:
        """Put the rules of this version into force. Classes are forgotten: tc begins anew.

        `addresses` are the gateway's own with their ranges' lengths, `neighbours` the networks of
        public addresses that are the gateway owner's own.
        """
        run("nft", "-f", "-", fed=_rules(self._interface, list(addresses), list(neighbours)))
        self._rules_written = None
        self._places = {
            peer: Place(place.group, place.addresses, place.kbps, tc_class=0)
            for peer, place in self._places.items()
        }

    def load(self) -> None:
        """Learn what is in the table. Raises CountersLost."""
        self._learn(_listed("table", *TABLE.split()))

    def has_our_rules(self) -> bool:
        """Whether the rules that `load` found are those that were written."""
        return self._rules_found == self._rules_written

    def known_peers(self) -> set[int]:
        return set(self._places)

    def changes(
        self,
        services: Mapping[int, Service | None],
        allowances: Mapping[int, int],
        classes: Mapping[int, int],
    ) -> Changes:
        """What differs for these peers and groups between the table and what should be in it."""
        wanted = {
            peer: Place(
                service.group, tuple(sorted(service.addresses)), service.kbps, classes.get(peer, 0)
            )
            if service and service.is_open
            else None
            for peer, service in services.items()
        }
        return Changes(
            places={
                peer: place for peer, place in wanted.items() if place != self._places.get(peer)
            },
            quotas={
                group: allowed
                for group, allowed in allowances.items()
                if self._allowances.get(group) != allowed
            },
        )

    def begin_to_apply(self, changes: Changes, counted: Mapping[Pair, Bytes]) -> Running | None:
        """Start one transaction; None where nothing changes. Call `applied` when it has ended."""
        if not changes:
            return None
        places, quotas = changes.places, changes.quotas
        # Of a spent group the kernel has counted what it dropped too: such a quota is made anew,
        # with what really passed. The others are changed in place, while packets go on.
        changed = quotas.keys() & self._allowances.keys()
        reopened = self.spent() & changed if changed else frozenset()
        if reopened:
            counted = {**counted, **self.counters()}
        leaving = _elements({p: old for p in places if (old := self._places.get(p))}, _MAPS)
        arriving = _elements({p: new for p, new in places.items() if new}, _MAPS)
        resting = _elements(
            {
                peer: place
                for peer, place in self._places.items()
                if place.group in reopened and peer not in places
            },
            ("quota",),
        )
        lines = [
            *_delete(leaving),
            *_delete(resting),
            *self._delete_spent(reopened),
            *(f"delete quota {TABLE} group_{group}" for group in reopened),
            *self._new_objects(places, quotas, reopened, counted),
            *_add(resting),
            *_add(arriving),
        ]
        return Running("nft", "-f", "-", fed="\n".join(lines) + "\n")

    def applied(self, changes: Changes) -> None:
        """The transaction is through: what is in the table now."""
        for peer, place in changes.places.items():
            if place is None:
                del self._places[peer]
                continue
            self._places[peer] = place
            self._pairs.add((peer, place.group))
            if place.kbps:
                self._rates.add((peer, place.kbps))
        self._allowances.update(changes.quotas)

    def counters(self) -> dict[Pair, Bytes]:
        """Of the pairs that have counters. Raises CountersLost."""
        return self.read()[1]

    def read(self) -> tuple[str, dict[Pair, Bytes]]:
        """The epoch and its counters, in one answer of the kernel's. Raises CountersLost."""
        content = _listed("counters", "table", *TABLE.split())
        epoch = _epoch(content)
        if epoch is None:
            raise CountersLost("the counters' epoch is gone")
        return epoch, _counters(content)

    def spent(self) -> frozenset[int]:
        """The groups of which a packet was stopped because the allowance is used up."""
        self._spent = _spent_addresses()
        return frozenset(self._spent_groups())

    def retire(self, keep: AbstractSet[Pair]) -> None:
        """Delete counters, quotas and limits that no map names, but those of these pairs."""
        placed = {(peer, place.group) for peer, place in self._places.items()}
        pairs = self._pairs - keep - placed
        groups = self._allowances.keys() - {group for _, group in keep | placed}
        rates = self._rates - {(peer, place.kbps) for peer, place in self._places.items()}
        if not pairs and not groups and not rates:
            return
        lines = [
            *(f"delete counter {TABLE} {way}_{p}_{g}" for p, g in pairs for way in ("up", "down")),
            *(f"delete quota {TABLE} group_{group}" for group in groups),
            *(f"delete limit {TABLE} rate_{peer}_{kbps}" for peer, kbps in rates),
        ]
        run("nft", "-f", "-", fed="\n".join(lines) + "\n")
        self._pairs -= pairs
        self._rates -= rates
        for group in groups:
            del self._allowances[group]

    def _new_objects(
        self,
        places: Mapping[int, Place | None],
        quotas: Mapping[int, int],
        reopened: AbstractSet[int],
        counted: Mapping[Pair, Bytes],
    ) -> Iterable[str]:
        """Counters go on from what is known of the epoch, should they have been retired before."""
        for peer, place in places.items():
            if place is None:
                continue
            pair = (peer, place.group)
            if pair not in self._pairs:
                known = counted.get(pair, Bytes(0, 0))
                for way, count in (("up", known.up), ("down", known.down)):
                    yield f"add counter {TABLE} {way}_{peer}_{place.group} {{ packets 0 bytes {count} }}"
            if place.kbps and (peer, place.kbps) not in self._rates:
                yield f"add limit {TABLE} rate_{peer}_{place.kbps} {{ {_policing(place.kbps)} }}"
        used: defaultdict[int, int] = defaultdict(int)
        if quotas:
            for (_, group), passed in counted.items():
                used[group] += passed.up + passed.down
        for group, allowed in quotas.items():
            from_start = group in reopened or group not in self._allowances
            already = f" used {used[group]} bytes" if from_start else ""
            yield f"add quota {TABLE} group_{group} {{ over {allowed} bytes{already} }}"

    def _spent_groups(self) -> set[int]:
        if not self._spent:
            return set()
        return {
            place.group
            for place in self._places.values()
            if not self._spent.isdisjoint(place.addresses)
        }

    def _delete_spent(self, groups: AbstractSet[int]) -> list[str]:
        addresses = {
            address
            for place in self._places.values()
            if place.group in groups
            for address in place.addresses
        }
        return [
            f"delete element {TABLE} spent{_family(address)} {{ {address} }}"
            for address in addresses & self._spent
        ]

    def _learn(self, content: list[dict[str, Any]]) -> None:
        self._pairs = set(_counters(content))
        self._allowances = {
            int(quota["name"].removeprefix("group_")): quota["bytes"]
            for quota in _entries(content, "quota")
        }
        self._rates = {_numbers(limit["name"]) for limit in _entries(content, "limit")}
        maps = {entry["name"]: dict(entry.get("elem", ())) for entry in _entries(content, "map")}
        if halves := _halves(maps):
            run("nft", "-f", "-", fed="\n".join(_delete(halves)) + "\n")
        self._places = _places(maps, without=halves)
        self._spent = _spent_addresses()
        self._rules_found = _rules_listed(content)
        if self._rules_written is None:
            self._rules_written = self._rules_found


Elements = dict[str, dict[str, str]]  # by map, what each address leads to


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _elements(places: Mapping[int, Place], maps: Iterable[str]) -> Elements:
    """What these maps say of these peers."""
    elements: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for peer, place in places.items():
        leads_to = {
            "up": f'"up_{peer}_{place.group}"',
            "down": f'"down_{peer}_{place.group}"',
            "quota": f'"group_{place.group}"',
            "rate": f'"rate_{peer}_{place.kbps}"' if place.kbps else "",
            "class": f"1:{place.tc_class:x}" if place.tc_class else "",
        }
        for name in maps:
            if leads_to[name]:
                for address in place.addresses:
                    elements[f"{name}{_family(address)}"][address] = leads_to[name]
    return elements


def _delete(elements: Elements) -> list[str]:
    return [
        f"delete element {TABLE} {name} {{ {', '.join(addresses)} }}"
        for name, addresses in elements.items()
    ]


def _add(elements: Elements) -> list[str]:
    return [
        f"add element {TABLE} {name} {{ {', '.join(f'{a} : {to}' for a, to in addresses.items())} }}"
        for name, addresses in elements.items()
    ]


def _policing(kbps: int) -> str:
    rate = kbps * 125  # bytes a second
    burst = max(rate * _POLICED_BURST_MILLISECONDS // 1000, _SMALLEST_BURST)
    return f"rate over {rate} bytes/second burst {burst} bytes"


def _halves(maps: Mapping[str, Mapping[str, str]]) -> Elements:
    """Addresses that not all maps agree on: somebody else was at work here. They are placed anew."""
    halves: Elements = defaultdict(dict)
    for family in (4, 6):
        up, down, quota = (maps.get(f"{name}{family}", {}) for name in ("up", "down", "quota"))
        for address in up.keys() | down.keys() | quota.keys():
            ways = up.get(address, "up_0_0"), down.get(address, "down_0_0")
            pairs = {_numbers(way) for way in ways}
            group = quota.get(address, "").removeprefix("group_")
            if len(pairs) == 1 and group == str(pairs.pop()[1]):
                continue
            for name in _MAPS:
                if address in maps.get(f"{name}{family}", {}):
                    halves[f"{name}{family}"][address] = ""
    return halves


def _places(maps: Mapping[str, Mapping[str, str]], *, without: Elements) -> dict[int, Place]:
    found: defaultdict[int, list[tuple[str, int, int, int]]] = defaultdict(list)
    for family in (4, 6):
        rates, classes = maps.get(f"rate{family}", {}), maps.get(f"class{family}", {})
        skipped = without.get(f"up{family}", {})
        for address, name in maps.get(f"up{family}", {}).items():
            if address in skipped:
                continue
            peer, group = _numbers(name)
            kbps = _numbers(rates[address])[1] if address in rates else 0
            tc_class = int(classes[address].partition(":")[2], 16) if address in classes else 0
            found[peer].append((address, group, kbps, tc_class))
    places = {}
    for peer, rows in found.items():
        addresses, groups, speeds, tc_classes = zip(*sorted(rows), strict=True)
        places[peer] = Place(groups[0], addresses, speeds[0], tc_classes[0])
    return places


def _numbers(name: str) -> tuple[int, int]:
    """The two numbers in the name of a counter or a limit: up_7_3."""
    _, first, second = name.split("_")
    return int(first), int(second)


def _entries(content: Iterable[dict[str, Any]], kind: str) -> Iterable[dict[str, Any]]:
    return (entry[kind] for entry in content if kind in entry)


def _listed(*words: str) -> list[dict[str, Any]]:
    """What nft lists, one object each. Raises CountersLost where the table is gone."""
    return _content(Running("nft", "-j", "list", *words))


def _content(listing: Running) -> list[dict[str, Any]]:
    try:
        content: list[dict[str, Any]] = json.loads(listing.finish())["nftables"]
    except BackendFailed as problem:
        if "No such file or directory" in str(problem):
            raise CountersLost("the nftables table is gone") from problem
        raise
    return content


def _rules_listed(content: Iterable[dict[str, Any]]) -> str:
    """Chains, rules and the sets that they ask, without what moves by itself."""
    listed: list[Any] = [
        (chain["name"], chain.get("hook"), chain.get("prio"))
        for chain in _entries(content, "chain")
    ]
    listed += [(rule["chain"], rule["expr"]) for rule in _entries(content, "rule")]
    listed += [
        (entry["name"], entry.get("elem"))
        for entry in _entries(content, "set")
        if not entry["name"].startswith("spent")
    ]
    return json.dumps(listed, sort_keys=True)


def _epoch(content: Iterable[dict[str, Any]]) -> str | None:
    names = (counter["name"] for counter in _entries(content, "counter"))
    return next((n.removeprefix("epoch_") for n in names if n.startswith("epoch_")), None)


def _counters(content: Iterable[dict[str, Any]]) -> dict[Pair, Bytes]:
    ways: dict[str, dict[Pair, int]] = {"up": {}, "down": {}}
    for counter in _entries(content, "counter"):
        way, _, _ = counter["name"].partition("_")
        if way in ways:
            ways[way][_numbers(counter["name"])] = counter["bytes"]
    return {pair: Bytes(up, ways["down"].get(pair, 0)) for pair, up in ways["up"].items()}


def _spent_addresses() -> frozenset[str]:
    listings = [
        Running("nft", "-j", "list", "set", *TABLE.split(), f"spent{family}") for family in (4, 6)
    ]
    return frozenset(
        address
        for listing in listings
        for entry in _entries(_content(listing), "set")
        for address in entry.get("elem", ())
    )


def _tables() -> str:
    """The table's maps, sets and chains, without rules; what is there of them stays as it is."""
    lines = [f"add table {TABLE}"]
    for family in (4, 6):
        kind = f"ipv{family}_addr"
        for name, leads_to in _MAPS.items():
            lines.append(f"add map {TABLE} {name}{family} {{ type {kind} : {leads_to} ; }}")
        lines += [
            f"add set {TABLE} spent{family} {{ type {kind} ; size 65536 ; flags dynamic ; }}",
            f"add set {TABLE} resolver{family} {{ type {kind} ; }}",
            f"add set {TABLE} own{family} {{ type {kind} ; flags interval ; }}",
            f"add set {TABLE} neighbours{family} {{ type {kind} ; flags interval ; }}",
        ]
    for chain, hook in _CHAINS.items():
        lines.append(f"add chain {TABLE} {chain} {hook}")
    return "\n".join(lines) + "\n"


# Counted is where a packet from the tunnel appears, and where one to it leaves: what customers
# exchange with the gateway's resolver passes there too, or it would be a free way out.
_CHAINS = {
    "metered_up": "",
    "metered_down": "",
    "from_customers": "{ type filter hook prerouting priority filter ; policy accept ; }",
    "across": "{ type filter hook forward priority filter ; policy accept ; }",
    "to_customers": "{ type filter hook postrouting priority filter ; policy accept ; }",
    "out": "{ type nat hook postrouting priority srcnat ; policy accept ; }",
}


def _rules(interface: str, addresses: list[str], neighbours: list[str]) -> str:
    """All rules, in one transaction with the flush of what was there."""
    lines = [f"flush chain {TABLE} {chain}" for chain in _CHAINS]
    for family in (4, 6):
        ours = [address for address in addresses if _family(address) == family]
        near = [network for network in neighbours if _family(network) == family]
        lines += [f"flush map {TABLE} class{family}"]
        for name, members in (
            ("resolver", [address.partition("/")[0] for address in ours]),
            ("own", ours),
            ("neighbours", near),
        ):
            lines.append(f"flush set {TABLE} {name}{family}")
            if members:
                lines.append(f"add element {TABLE} {name}{family} {{ {', '.join(members)} }}")
    lines += [f"add rule {TABLE} {rule}" for rule in _chains_rules(interface)]
    return "\n".join(lines) + "\n"


def _chains_rules(interface: str) -> Iterable[str]:
    families = (("ip", 4, PRIVATE4), ("ip6", 6, PRIVATE6))
    yield f'from_customers iifname != "{interface}" accept'
    for ip, family, _ in families:
        yield (
            f"from_customers {ip} daddr @resolver{family} meta l4proto {{ tcp, udp }} th dport 53"
            " goto metered_up"
        )
    yield "from_customers fib daddr type != unicast drop"
    for ip, family, private in families:
        yield f"from_customers {ip} daddr @own{family} drop"
        yield f"from_customers {ip} daddr @neighbours{family} drop"
        yield f"from_customers {ip} daddr {{ {private} }} drop"
    yield "from_customers tcp dport 25 drop"
    yield "from_customers goto metered_up"

    # A packet that the speed stops must not use up the allowance, one that either stops is not
    # counted.
    for ip, family, _ in families:
        yield f"metered_up limit name {ip} saddr map @rate{family} drop"
        yield (
            f"metered_up quota name {ip} saddr map @quota{family}"
            f" add @spent{family} {{ {ip} saddr }} drop"
        )
        yield f"metered_up counter name {ip} saddr map @up{family} accept"
    yield "metered_up drop"

    yield f'across iifname "{interface}" oifname "{interface}" drop'
    # Nobody outside begins to talk to a customer, who would pay for it.
    yield f'across oifname "{interface}" ct state != {{ established, related }} drop'
    # To the path's MTU, for phones on lines that lose what says "too big".
    for way in ("iifname", "oifname"):
        yield f'across {way} "{interface}" tcp flags syn tcp option maxseg size set rt mtu'

    yield f'to_customers oifname != "{interface}" accept'
    yield "to_customers goto metered_down"
    for ip, family, _ in families:
        yield f"metered_down meta priority set {ip} daddr map @class{family}"
        yield (
            f"metered_down quota name {ip} daddr map @quota{family}"
            f" add @spent{family} {{ {ip} daddr }} drop"
        )
        yield f"metered_down counter name {ip} daddr map @down{family} accept"
    yield "metered_down drop"

    for ip, family, _ in families:
        yield f'out oifname != "{interface}" {ip} saddr @own{family} masquerade'
