"""Whether WireGuard's own tool takes a file."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def strip(text: str, folder: Path) -> str:
    """What `wg-quick strip` makes of a file; fails when it refuses it.

    Where wg-quick is missing the test is skipped aloud, unless CI is set: then it fails.
    """
    if shutil.which("wg-quick") is None:
        if os.environ.get("CI"):
            pytest.fail("wg-quick is missing")
        pytest.skip("wg-quick is missing")
    path = folder / "wg0.conf"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    done = subprocess.run(
        ["wg-quick", "strip", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
