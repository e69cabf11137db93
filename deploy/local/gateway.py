"""The gateway on this machine: the real agent in a dry run, which carries nobody's packets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = "python -m vpn.agent run"
DRY_RUN_KBPS = "8000"  # each device uses a megabyte a second: enough to see it rise
# For gunicorn, which would wait for the end of the agent's long poll when it is to stop.
WEB_STOPS_SOON = "--graceful-timeout 3"


class NotEnrolled(Exception):
    """The agent was refused; `str()` says why."""


def gateway_variables(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What the agent needs to know and the environment does not say; its files go to the folder."""
    usual = {
        "KONEKTIKA_URL": f"http://127.0.0.1:{environment['PORT']}",
        "GATEWAY_BACKEND": "dry-run",
        "GATEWAY_STATE_DIR": str(folder),
        "GATEWAY_SECRET_FILE": str(folder / "secret"),
        "GATEWAY_DRY_RUN_KBPS": DRY_RUN_KBPS,
    }
    return {name: environment.get(name) or value for name, value in usual.items()}


def token_file(environment: Mapping[str, str]) -> Path:
    """Where the one-time token lies between the server, which makes it, and the agent."""
    return Path(environment["GATEWAY_STATE_DIR"]) / "token"


def is_enrolled(environment: Mapping[str, str]) -> bool:
    return Path(environment["GATEWAY_SECRET_FILE"]).exists()


def enrol(environment: Mapping[str, str]) -> None:
    """Enrol at the running server, unless that was done before. Raises NotEnrolled."""
    if is_enrolled(environment):
        return
    token = token_file(environment)
    done = subprocess.run(
        [sys.executable, "-m", "vpn.agent", "enrol", "--token-file", str(token)],
        env=dict(environment),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise NotEnrolled(f"The gateway cannot enrol: {done.stderr.strip()}")
    token.unlink()
