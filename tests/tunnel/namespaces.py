"""One network namespace, and what runs in it. Nothing of it is left when a test ends."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    def __init__(self, name: str) -> None:
        # wireguard-go's sockets are the whole machine's, so interfaces are named once only.
        self.mark = secrets.token_hex(3)
        self.name = f"konektika-{name}-{self.mark}"
        self._programs: list[subprocess.Popen[bytes]] = []
        self._interfaces: set[str] = set()
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("ip", "link", "set", "dev", "lo", "up")

    def run(self, *command: str, check: bool = True, seconds: float = 60) -> str:
        """What the command prints; its complaint is the assertion's."""
        done = subprocess.run(
            self._inside(command), capture_output=True, text=True, timeout=seconds, cwd=ROOT
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def start(
        self, *command: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A program that ends with the namespace. `ip netns exec` becomes it, so its id is its own."""
        with log.open("ab") as words:
            program = subprocess.Popen(
                self._inside(command),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=environment,
            )
        self._programs.append(program)
        return program

    def python(self, module: str, *arguments: str, check: bool = True, seconds: float = 60) -> str:
        return self.run(sys.executable, "-m", module, *arguments, check=check, seconds=seconds)

    def has(self, interface: str) -> bool:
        return bool(self.run("ip", "-br", "link", "show", "dev", interface, check=False))

    def bytes_of(self, interface: str) -> tuple[int, int]:
        """Bytes that the interface has sent and received."""
        (link,) = json.loads(self.run("ip", "-s", "-j", "link", "show", "dev", interface))
        figures: dict[str, Any] = link["stats64"]
        return figures["tx"]["bytes"], figures["rx"]["bytes"]

    def removes(self, interface: str) -> None:
        """Remember to delete it: wireguard-go ends with its interface, and with nothing else."""
        self._interfaces.add(interface)

    def listen(self, address: str, port: int) -> socket.socket:
        """A socket of ours that listens inside."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made: list[socket.socket] = []

        def inside() -> None:
            handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                assert _libc.setns(handle, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            finally:
                os.close(handle)
            made.append(socket.create_server((address, port), family=family))

        # The thread moves there and ends; the rest of this process stays where it is.
        mover = threading.Thread(target=inside)
        mover.start()
        mover.join()
        return made[0]

    def close(self) -> None:
        for program in self._programs:
            program.kill()
            program.wait()
        for interface in self._interfaces:
            self.run("ip", "link", "delete", "dev", interface, check=False)
        subprocess.run(["ip", "netns", "delete", self.name], check=False)

    def _inside(self, command: tuple[str, ...]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]


def link(
    one: Namespace,
    other: Namespace,
    *,
    addresses: tuple[str, ...],
    other_addresses: tuple[str, ...],
) -> tuple[str, str]:
    """Join two namespaces by a cable: the names of its ends."""
    end, other_end = f"to-{other.mark}", f"to-{one.mark}"
    one.run(
        *("ip", "link", "add", "dev", end, "type", "veth"),
        *("peer", "name", other_end, "netns", other.name),
    )
    for space, name, ours in ((one, end, addresses), (other, other_end, other_addresses)):
        # Packets come one by one, as from a line; merging them is the receiver's business.
        space.run("ip", "link", "set", "dev", name, "gso_max_segs", "1", "up")
        for address in ours:
            without_asking = ("nodad",) if ":" in address else ()
            space.run("ip", "address", "add", address, "dev", name, *without_asking)
    return end, other_end
