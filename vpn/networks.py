"""Whether a gateway's addresses, as typed or set, can be. Refuses with ValueError."""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

from vpn.models.gateways import FIRST_CUSTOMER_NUMBER

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SMALLEST = 8  # the network, the gateway, a few customers
PRIVATE4 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
PRIVATE6 = ("fc00::/7", "2000::/3")  # an owner may have addresses of the internet to give
HOST_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)


def tunnel_network(text: str, version: int) -> Network:
    """A network that customers can have addresses of."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"This is no network: {error}.") from error
    example = "10.8.0.0/16" if version == 4 else "fd00:8::/64"
    if network.version != version:
        raise ValueError(f"Write an IPv{version} network, such as {example}.")
    if network.num_addresses < SMALLEST:
        raise ValueError(f"This network is too small: {SMALLEST} addresses at least.")
    allowed = PRIVATE4 if version == 4 else PRIVATE6
    if not any(_is_within(network, ipaddress.ip_network(other)) for other in allowed):
        raise ValueError(f"Take a network of {', '.join(allowed)}: customers need the others.")
    return network


def compare_sizes(range4: str, range6: str) -> None:
    """A device's number is the same in both networks of a tunnel; the second may be empty."""
    if range6 and _size(range6) < _size(range4):
        raise ValueError("It has fewer addresses than the IPv4 range.")


def room(range4: str) -> int:
    """How many devices a network has addresses for; the last one is everybody's."""
    return _size(range4) - 1 - FIRST_CUSTOMER_NUMBER


def overlaps(one: str, other: str) -> bool:
    """Whether two networks, either of which may be empty, share an address."""
    if not (one and other):
        return False
    return ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other))


def endpoint_host(text: str) -> str:
    """A host name or an address, without brackets, in lower case."""
    host = text.strip().lower().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if HOST_NAME.fullmatch(host):
            return host
    raise ValueError("Write a host name or an address, such as vpn.example.com, without a port.")


def resolvers(text: str) -> str:
    """Comma-separated addresses, tidied."""
    try:
        return ", ".join(str(ipaddress.ip_address(item.strip())) for item in text.split(","))
    except ValueError as error:
        raise ValueError("Write addresses such as 10.8.0.1, comma-separated.") from error


def _size(text: str) -> int:
    return ipaddress.ip_network(text).num_addresses


def _is_within(network: Network, other: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and network.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and network.subnet_of(other)
