"""Whether this machine can carry real tunnels: userspace WireGuard in network namespaces."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PROGRAMS = ("wireguard-go", "wg", "nft", "ip", "tc", "setpriv")


def can_tunnel() -> bool:
    return (
        os.geteuid() == 0
        and Path("/dev/net/tun").exists()
        and all(shutil.which(program) for program in PROGRAMS)
    )
