"""Clients from npm: installed once for each lock file, and run as processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conftest import missing

SCRIPTS = Path(__file__).parent / "node"
INSTALLED = Path(__file__).resolve().parents[3] / "var" / "node-clients"
INSTALL_SECONDS = 100
CALL_SECONDS = 20
_LISTS = ("package.json", "package-lock.json", ".npmrc")


class Refused(Exception):
    """The client raised an error; `answer` is what the provider had said."""

    def __init__(self, message: str, answer: Any) -> None:
        super().__init__(message)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class NodeClient:
    """One client at a base URL; each call is a process."""

    script: str
    url: str
    settings: dict[str, str]
    modules: Path

    def call(self, method: str, *arguments: Any) -> Any:
        """What the client itself makes of the answer. Raises Refused where it raises."""
        wish = {
            "url": self.url,
            "settings": self.settings,
            "method": method,
            "arguments": arguments,
        }
        done = subprocess.run(
            ["node", str(SCRIPTS / self.script)],
            input=json.dumps(wish),
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(self.modules)},
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        if "error" in told:
            raise Refused(told["error"]["message"], told["error"].get("answer"))
        return told["result"]


def installed() -> Path:
    """The folder of the clients' modules, by `npm ci` if this lock file was never installed here."""
    if not (shutil.which("node") and shutil.which("npm")):
        missing("needs Node.js and npm")
    lists = b"".join((SCRIPTS / name).read_bytes() for name in _LISTS)
    folder = INSTALLED / sha256(lists).hexdigest()[:16]
    if not folder.exists():
        _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    """Beside its place first, so that a folder in its place is whole."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=INSTALLED) as place:
        begun = Path(place) / "begun"
        begun.mkdir()
        for name in _LISTS:
            shutil.copy(SCRIPTS / name, begun)
        done = subprocess.run(
            ["npm", "ci"], cwd=begun, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            missing(f"needs the packages of {SCRIPTS / 'package.json'}: {done.stderr}")
        begun.rename(folder)
