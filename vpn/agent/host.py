"""The gateway machine around the tunnel: forwarding, and packets as they are on the line."""

from __future__ import annotations

import array
import contextlib
import fcntl
import ipaddress
import json
import logging
import socket
import struct
from pathlib import Path

from vpn.agent.backend import BackendFailed
from vpn.agent.commands import run

logger = logging.getLogger(__name__)

_SYSCTLS = Path("/proc/sys/net")
# linux/sockios.h and linux/ethtool.h
_SIOCETHTOOL = 0x8946
_ETHTOOL_GGRO = 0x2B
_ETHTOOL_SGRO = 0x2C


def forward() -> None:
    """Let packets cross this machine."""
    for uplink in uplinks():
        # A router takes no more routes from router advertisements, unless it is told to.
        if _sysctl(f"ipv6/conf/{uplink}/accept_ra") == "1":
            _set_sysctl(f"ipv6/conf/{uplink}/accept_ra", "2")
    _set_sysctl("ipv4/ip_forward", "1")
    if (_SYSCTLS / "ipv6").exists():
        _set_sysctl("ipv6/conf/all/forwarding", "1")


def count_single_packets(interface: str) -> None:
    """Have packets received one by one on the tunnel and the uplinks.

    Merged ones (GRO) carry one header for up to 64 kB: counters would miss 4% of what customers
    really received.
    """
    for name in {interface, *uplinks()}:
        try:
            if merges(name):
                set_merging(name, False)
        except OSError as problem:
            logger.warning("%s goes on merging packets: %s", name, problem.strerror)


def neighbours(interface: str) -> list[str]:
    """The IPv6 networks that the machine itself is in: with public addresses, yet its owner's own."""
    routes = json.loads(run("ip", "-json", "-6", "route", "show", "proto", "kernel") or "[]")
    networks = (
        ipaddress.IPv6Network(route["dst"])
        for route in routes
        if route["dst"] != "default" and route.get("dev") not in (interface, "lo")
    )
    apart = ipaddress.collapse_addresses(n for n in networks if not n.is_link_local)
    return [str(network) for network in apart]


def uplinks() -> set[str]:
    """The interfaces that lead to the internet."""
    names: set[str] = set()
    for family in ("-4", "-6"):
        with contextlib.suppress(BackendFailed):  # a machine without IPv6
            routes = json.loads(run("ip", "-json", family, "route", "show", "default") or "[]")
            names |= {route["dev"] for route in routes if "dev" in route}
    return names


def merges(interface: str) -> bool:
    """Whether it hands packets up merged (generic receive offload)."""
    return bool(_ethtool(interface, _ETHTOOL_GGRO, 0))


def set_merging(interface: str, on: bool) -> None:
    _ethtool(interface, _ETHTOOL_SGRO, int(on))


def _ethtool(interface: str, command: int, value: int) -> int:
    """One ioctl, whose ifreq points to a struct ethtool_value: the value after it."""
    words = array.array("I", (command, value))
    address, _ = words.buffer_info()
    request = struct.pack("16sP16x", interface.encode(), address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as talk:
        fcntl.ioctl(talk, _SIOCETHTOOL, request)
    return words[1]


def _sysctl(name: str) -> str:
    try:
        return (_SYSCTLS / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _set_sysctl(name: str, value: str) -> None:
    """Written only where it differs: a container may have it set for it, and be forbidden to."""
    if _sysctl(name) == value:
        return
    try:
        (_SYSCTLS / name).write_text(value, encoding="ascii")
    except OSError as problem:
        raise BackendFailed(f"net/{name} could not be set to {value}: {problem}") from problem
