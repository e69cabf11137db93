"""What counts as a configuration."""

import base64

import pytest

from deploy.local.wireguard_file import Malformed, check_configuration

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = f"""\
[Interface]
PrivateKey = {KEY}
Address = 10.8.0.2/32, fd00::2/128
DNS = 10.8.0.1

[Peer]
PublicKey = {KEY}
Endpoint = 127.0.0.1:51820
AllowedIPs = 0.0.0.0/0, ::/0
"""


def test_a_whole_configuration_is_taken() -> None:
    check_configuration(GOOD)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (KEY, KEY[:-4]),
        ("[Peer]", "[Pear]"),
        (":51820", ""),
        ("10.8.0.2/32", "10.8.0.256/32"),
        ("[Interface]", ""),
    ],
)
def test_a_broken_one_is_not(part: str, instead: str) -> None:
    with pytest.raises(Malformed):
        check_configuration(GOOD.replace(part, instead))
