"""A wrong setting of the VPN is one sentence with an id and a hint; a right one makes a gateway."""

from __future__ import annotations

from typing import Any

import pytest

from vpn.checks import check_vpn
from vpn.models import Gateway
from vpn.services.seed import ensure_first_gateway


def test_the_tests_own_settings_are_whole() -> None:
    assert check_vpn() == []


@pytest.mark.parametrize(
    ("name", "value", "number", "told"),
    [
        ("VPN_ENDPOINT", "nowhere", 2, "malformed"),
        ("VPN_RANGE4", "ten", 3, "This is no network"),
        ("VPN_RANGE4", "fd00:8::/64", 3, "Write an IPv4 network"),
        ("VPN_RANGE4", "10.8.0.0/30", 3, "too small"),
        ("VPN_RANGE4", "8.8.0.0/16", 3, "Take a network of"),
        ("VPN_RANGE6", "10.9.0.0/16", 4, "Write an IPv6 network"),
        ("VPN_RANGE6", "fd00:8::/120", 4, "fewer addresses"),
        ("VPN_DNS", "10.8.0.1,the usual", 5, "no list of addresses"),
    ],
)
def test_what_cannot_be_is_told(
    settings: Any, name: str, value: str, number: int, told: str
) -> None:
    setattr(settings, name, value)
    (message,) = check_vpn()
    assert message.id == f"vpn.E00{number}"
    assert name in message.msg
    assert told in message.msg
    assert message.hint


def test_what_can_be_is_taken(settings: Any) -> None:
    settings.VPN_RANGE6, settings.VPN_DNS = "fd00:8::/64", "10.8.0.1, fd00:8::1"
    assert check_vpn() == []


def test_the_first_gateway_takes_no_more_devices_than_its_range_has_addresses(
    settings: Any,
) -> None:
    Gateway.objects.all().delete()
    settings.VPN_RANGE4 = "10.8.0.0/24"
    assert ensure_first_gateway().capacity == 253
