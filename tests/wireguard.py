"""Whether a configuration is one that WireGuard's own tools take."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path


def assert_usable(config: str, folder: Path) -> None:
    """The two sections with real keys, and accepted by `wg-quick strip` where that can run.

    With CI set it must be there. It wants root, as everything of wg-quick does.
    """
    sections = _sections(config)
    for section, name in (("Interface", "PrivateKey"), ("Peer", "PublicKey")):
        assert len(base64.b64decode(sections[section][name], validate=True)) == 32
    assert sections["Interface"]["Address"]
    assert sections["Peer"]["AllowedIPs"]
    assert ":" in sections["Peer"]["Endpoint"]
    if os.environ.get("CI") or (shutil.which("wg-quick") and os.geteuid() == 0):
        _assert_stripped(config, folder)


def _assert_stripped(config: str, folder: Path) -> None:
    path = folder / "wg0.conf"
    path.write_text(config, encoding="utf-8")
    path.chmod(0o600)
    done = subprocess.run(["wg-quick", "strip", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "PrivateKey" in done.stdout
    assert "Address" not in done.stdout


def _sections(config: str) -> ConfigParser:
    """The file as WireGuard reads it: one [Interface], one [Peer]. Raises for anything else."""
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    parser.read_string(config)
    assert parser.sections() == ["Interface", "Peer"]
    return parser
