"""Who sent a request, behind trusted proxies only."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def source_address(request: HttpRequest) -> str | None:
    """The sender's address: the peer, or what the trusted proxies before it say, read from the right.

    An `X-Forwarded-For` from anybody else is ignored.
    """
    source = _address(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    while source is not None and hops and is_within(source, settings.TRUSTED_PROXIES):
        hop = hops.pop()
        if _address(hop) is None:
            break
        source = _address(hop)
    return source


def is_within(source: str | None, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    if source is None or not networks:
        return False
    address = ipaddress.ip_address(source)
    return any(address in network for network in networks)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
