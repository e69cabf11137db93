"""Whether a text is a configuration that a WireGuard client takes."""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import subprocess
import tempfile
from configparser import ConfigParser, Error
from ipaddress import ip_interface
from pathlib import Path


class Malformed(Exception):
    """The text is no WireGuard configuration; `str()` says why."""


def check_configuration(text: str) -> None:
    """Raises Malformed. Where `wg-quick` may be run, it decides too; as root only: it asks sudo."""
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    try:
        parser.read_string(text)
        interface, peer = parser["Interface"], parser["Peer"]
        keys = [interface["PrivateKey"], peer["PublicKey"]]
        for address in f"{interface['Address']},{peer['AllowedIPs']}".split(","):
            ip_interface(address.strip())
        _, _, port = peer["Endpoint"].rpartition(":")
        if any(len(base64.b64decode(key, validate=True)) != 32 for key in keys):
            raise Malformed("A key is not 32 bytes long.")
        if not 0 < int(port) < 65536:
            raise Malformed("The endpoint has no port.")
    except (Error, KeyError, ValueError, binascii.Error) as reason:
        raise Malformed(f"The configuration does not parse: {reason}") from reason
    if shutil.which("wg-quick") and os.geteuid() == 0:
        _strip(text)


def _strip(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "demo.conf"
        file.touch(mode=0o600)
        file.write_text(text)
        done = subprocess.run(["wg-quick", "strip", file], capture_output=True, text=True)
    if done.returncode != 0:
        raise Malformed(f"wg-quick does not take the configuration: {done.stderr.strip()}")
