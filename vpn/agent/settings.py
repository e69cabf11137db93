"""What the gateway's environment says, read once, with a sentence for what is wrong."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BACKENDS = ("wireguard", "dry-run")


class WrongSettings(Exception):
    """A variable is missing or makes no sense; `str()` is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    url: str  # of the server, without a final slash
    secret_file: Path
    interface: str
    backend: str
    state_dir: Path
    dry_run_kbps: int  # what each device uses in a dry run


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises WrongSettings."""
    backend = environment.get("GATEWAY_BACKEND", "wireguard")
    if backend not in BACKENDS:
        raise WrongSettings(f"GATEWAY_BACKEND is {' or '.join(BACKENDS)}, not {backend!r}.")
    interface = environment.get("GATEWAY_INTERFACE", "wg0")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,14}", interface):
        raise WrongSettings(f"GATEWAY_INTERFACE is no interface's name: {interface!r}.")
    kbps = environment.get("GATEWAY_DRY_RUN_KBPS") or "0"
    if not re.fullmatch(r"[0-9]{1,7}", kbps):
        raise WrongSettings(f"GATEWAY_DRY_RUN_KBPS is a number of kbit/s, not {kbps!r}.")
    return Settings(
        url=_server(_needed(environment, "KONEKTIKA_URL")),
        secret_file=Path(_needed(environment, "GATEWAY_SECRET_FILE")),
        interface=interface,
        backend=backend,
        state_dir=Path(_needed(environment, "GATEWAY_STATE_DIR")),
        dry_run_kbps=int(kbps),
    )


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise WrongSettings(f"{name} must be set.")
    return value


def _server(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongSettings(f"KONEKTIKA_URL is no URL of a server: {url!r}.")
    # The secret must not cross a network in the clear.
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise WrongSettings("KONEKTIKA_URL must begin with https:// unless it is this machine.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
