"""The compared projects' own virtual environment, made at first use."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tests.programs import ROOT

HOME = ROOT / "var/benchmark-peers"
REQUIREMENTS = ROOT / "benchmarks/requirements-peers.txt"


def peers_environment() -> Path:
    """The folder with its programs. Raises CalledProcessError when pip fails, its words above."""
    facts = "\n".join([sys.version, str(HOME), REQUIREMENTS.read_text(encoding="utf-8")])
    stamp = HOME / f"installed-{sha256(facts.encode()).hexdigest()[:16]}"
    if not stamp.exists():
        print("Installing what our intake is compared with, once.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", HOME], check=True)
        python = str(HOME / "bin/python")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install"]
        options = ["-qq", "--no-input", "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)]
        subprocess.run([*pip, *options], check=True)
        stamp.touch()
    return HOME / "bin"
