"""The Express server's own packages, installed at first use."""

from __future__ import annotations

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from tests.programs import ROOT

HOME = ROOT / "var/benchmark-express"
SOURCES = ROOT / "benchmarks/peers/express"
LOCKED = ("package.json", "package-lock.json")


def express_server() -> Path:
    """The folder with `server.js` and its packages. Raises CalledProcessError when npm fails."""
    facts = b"\n".join((SOURCES / name).read_bytes() for name in LOCKED)
    stamp = HOME / f"installed-{sha256(facts).hexdigest()[:16]}"
    if not stamp.exists():
        print("Installing what our API is compared with, once.", flush=True)
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        for name in LOCKED:
            shutil.copy(SOURCES / name, HOME)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=HOME, check=True)
        stamp.touch()
    shutil.copy(SOURCES / "server.js", HOME)
    return HOME
