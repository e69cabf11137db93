"""Ports on the loopback address."""

from __future__ import annotations

import random
import socket

# Below the ports that the kernel gives to outgoing connections, which could take one meanwhile.
OURS = range(20000, 32000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port, chosen at random so that two clones seldom choose the same."""
    return next(port for port in random.sample(OURS, len(OURS)) if is_free(port))
