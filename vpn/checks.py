"""System checks of the VPN's settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django.conf import settings
from django.core import checks

from vpn.encryption import cipher

ENDPOINT = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):(\d{1,5})", re.ASCII)


def check_vpn(**_: Any) -> list[checks.CheckMessage]:
    """`vpn.E001` encryption keys, `E002` endpoint, `E003` and `E004` address ranges, `E005` DNS."""
    found: list[checks.CheckMessage] = []
    for is_fine, sentence, hint, number in (
        (
            _keys_work(),
            "FIELD_ENCRYPTION_KEYS is missing or has a malformed key.",
            "Set one or more Fernet keys, comma-separated; `make run` writes one to .env.",
            1,
        ),
        (
            _is_endpoint(settings.VPN_ENDPOINT),
            "VPN_ENDPOINT is malformed.",
            "Write host:port, such as vpn.example.com:51820 or [2001:db8::1]:51820.",
            2,
        ),
        (
            _is_range(settings.VPN_RANGE4, 4),
            "VPN_RANGE4 is no IPv4 network with room for customers.",
            "Write a network such as 10.8.0.0/16.",
            3,
        ),
        (
            not settings.VPN_RANGE6 or _is_range(settings.VPN_RANGE6, 6),
            "VPN_RANGE6 is no IPv6 network with room for customers.",
            "Write a network such as fd00:8::/64, or leave it empty.",
            4,
        ),
        (
            all(_is_address(item) for item in settings.VPN_DNS.split(",") if settings.VPN_DNS),
            "VPN_DNS is no list of addresses.",
            "Write addresses such as 10.8.0.1, comma-separated, or leave it empty.",
            5,
        ),
    ):
        if not is_fine:
            found.append(checks.Error(sentence, hint=hint, id=f"vpn.E00{number}"))
    return found


def _keys_work() -> bool:
    try:
        cipher().encrypt(b"")
    except (ValueError, TypeError):
        return False
    return True


def _is_endpoint(text: str) -> bool:
    match = ENDPOINT.fullmatch(text)
    return match is not None and 1 <= int(match[2]) <= 65535


def _is_range(text: str, version: int) -> bool:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return False
    return network.version == version and network.num_addresses >= 8


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    return True
