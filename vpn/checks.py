"""System checks of the VPN's settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import checks

from vpn.encryption import cipher
from vpn.networks import compare_sizes, resolvers, tunnel_network

ENDPOINT = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):(\d{1,5})", re.ASCII)


def check_vpn(**_: Any) -> list[checks.CheckMessage]:
    """`vpn.E001` encryption keys, `E002` endpoint, `E003` and `E004` address ranges, `E005` DNS."""
    found: list[checks.CheckMessage] = []
    range4, range6 = _refused_ranges()
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
            not range4,
            f"VPN_RANGE4 cannot be. {range4}",
            "Write a network such as 10.8.0.0/16.",
            3,
        ),
        (
            not range6,
            f"VPN_RANGE6 cannot be. {range6}",
            "Write a network such as fd00:8::/64, or leave it empty.",
            4,
        ),
        (
            not settings.VPN_DNS or not _refusal(resolvers, settings.VPN_DNS),
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


def _refused_ranges() -> tuple[str, str]:
    """Why the IPv4 and the IPv6 range cannot be; "" for one that can."""
    range4 = _refusal(tunnel_network, settings.VPN_RANGE4, 4)
    if not settings.VPN_RANGE6:
        return range4, ""
    range6 = _refusal(tunnel_network, settings.VPN_RANGE6, 6)
    if not (range4 or range6):
        range6 = _refusal(compare_sizes, settings.VPN_RANGE4, settings.VPN_RANGE6)
    return range4, range6


def _refusal(check: Callable[..., object], *values: object) -> str:
    try:
        check(*values)
    except ValueError as refusal:
        return str(refusal)
    return ""
