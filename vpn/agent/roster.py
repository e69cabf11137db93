"""Which of the wanted peers can be served: a faulty one is left out, and the others are served."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace

from vpn.agent.backend import Pair, Service
from vpn.agent.keys import is_key
from vpn.agent.state import Gateway, Peer

logger = logging.getLogger(__name__)

# One figure that nftables or tc cannot hold would keep all that are changed with it from service.
MOST_BYTES = 2**63 - 1
MOST_KBPS = 100_000_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Roster:
    """The peers that may be served. Nobody gets a key or an address that another one has."""

    def __init__(self, own_public_key: str) -> None:
        self._own_public_key = own_public_key
        self._gateway: tuple[str, ...] = ()  # its addresses, with its ranges' lengths
        self._own_addresses: tuple[Address, ...] = ()
        self._ranges: tuple[Network, ...] = ()
        self._admitted: dict[int, Service] = {}
        self._refused: dict[int, str] = {}
        self._owner: dict[str, int] = {}  # by key and by address

    def update(
        self, gateway: Gateway, peers: Mapping[int, Peer], changed: Iterable[int]
    ) -> set[int]:
        """Look again at the peers that changed, and at all when the gateway's ranges did.

        Returns whom it looked at: also those who were refused for a key or an address that may be
        free now.
        """
        again = set(changed) | self._refused.keys()
        if gateway.addresses != self._gateway:
            self._gateway = gateway.addresses
            interfaces = [ipaddress.ip_interface(address) for address in gateway.addresses]
            self._own_addresses = tuple(interface.ip for interface in interfaces)
            self._ranges = tuple(interface.network for interface in interfaces)
            again |= self._admitted.keys() | peers.keys()
        for number in again:
            self._forget(number)
        for number in sorted(again):
            if peer := peers.get(number):
                self._consider(peer)
            else:
                self._refused.pop(number, None)
        return again

    def public_keys(self) -> dict[Pair, str]:
        """The public keys of all that are served or suspended."""
        return {(peer, s.group): s.public_key for peer, s in self._admitted.items()}

    def service(self, peer: Peer | None, *, now: float) -> Service | None:
        """How to serve the peer at this moment; None for one that cannot be served."""
        if peer is None or (admitted := self._admitted.get(peer.id)) is None:
            return None
        if now < peer.ends_at:
            return admitted
        return replace(admitted, is_open=False)

    def _consider(self, peer: Peer) -> None:
        try:
            addresses = tuple(self._address(text) for text in peer.addresses)
            self._check(peer, addresses)
        except ValueError as fault:
            if self._refused.get(peer.id) != str(fault):
                logger.error("Peer %d is not served: %s.", peer.id, fault)
            self._refused[peer.id] = str(fault)
            return
        self._refused.pop(peer.id, None)
        self._admitted[peer.id] = Service(
            public_key=peer.public_key,
            preshared_key=peer.preshared_key,
            addresses=addresses,
            group=peer.group,
            kbps=peer.kbps,
            is_open=True,
        )
        for taken in (peer.public_key, *addresses):
            self._owner[taken] = peer.id

    def _address(self, text: str) -> str:
        host, _, length = text.partition("/")
        family, whole = (socket.AF_INET6, "128") if ":" in host else (socket.AF_INET, "32")
        if length not in ("", whole):
            raise ValueError(f"{text} is not one address")
        try:
            packed = socket.inet_pton(family, host)
        except OSError:
            raise ValueError(f"{text} is no address") from None
        address = ipaddress.ip_address(packed)  # read from text, it takes several times as long
        if not any(address in ours for ours in self._ranges):
            raise ValueError(f"{text} is outside the gateway's ranges")
        if address in self._own_addresses:
            raise ValueError(f"{text} is the gateway's own address")
        return socket.inet_ntop(family, packed)

    def _check(self, peer: Peer, addresses: tuple[str, ...]) -> None:
        if not addresses:
            raise ValueError("it has no address")
        if not is_key(peer.public_key):
            raise ValueError("its public key is malformed")
        if peer.public_key == self._own_public_key:
            raise ValueError("its public key is the gateway's own")
        if peer.preshared_key is not None and not is_key(peer.preshared_key):
            raise ValueError("its pre-shared key is malformed")
        if peer.limit_bytes > MOST_BYTES or peer.kbps > MOST_KBPS:
            raise ValueError("its allowance or speed is beyond all measure")
        for wanted in (peer.public_key, *addresses):
            if wanted in self._owner:
                raise ValueError(f"{wanted} is peer {self._owner[wanted]}'s")

    def _forget(self, number: int) -> None:
        if service := self._admitted.pop(number, None):
            for freed in (service.public_key, *service.addresses):
                self._owner.pop(freed, None)
