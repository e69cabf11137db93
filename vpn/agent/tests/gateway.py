"""A gateway with the real agent as a process, its server a fake one, and devices for customers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from tests.tunnel.internet import GATEWAY, Internet
from tests.tunnel.relay import Relay
from tests.waiting import wait_until
from vpn.agent.keys import new_private_key, public_key
from vpn.agent.tests.fake_server import TOKEN, FakeServer

PORT = 51820
TUNNEL4, TUNNEL6 = "10.8.0.1", "fd00:8::1"
MEGABYTE = 1_000_000

# No more than deploy/agent's unit gives it.
RIGHTS = ("setpriv", "--no-new-privs", "--bounding-set=-all,+net_admin")


@dataclass(frozen=True)
class Device:
    id: int
    group: int
    private_key: str
    preshared_key: str

    def peer(self, **different: Any) -> dict[str, Any]:
        """As the server tells it: a gigabyte and an hour, unless said otherwise."""
        return {
            "id": self.id,
            "group": self.group,
            "public_key": public_key(self.private_key),
            "preshared_key": self.preshared_key,
            "addresses": [
                f"{ip_address('10.8.0.10') + self.id}/32",
                f"{ip_address('fd00:8::a') + self.id}/128",
            ],
            "ends_at": int(time.time()) + 3600,
            "limit_bytes": 1000 * MEGABYTE,
            "kbps": 0,
        } | different


def device(number: int, group: int) -> Device:
    return Device(number, group, new_private_key(), new_private_key())


class AgentProcess:
    """The agent in the gateway's namespace: enrolled, started, killed, started again."""

    def __init__(self, internet: Internet, *, path: str = "") -> None:
        """`path` is of programs that are found before the machine's."""
        self.internet = internet
        self.server = FakeServer(
            {
                "id": 1,
                "name": "dar-1",
                "addresses": [f"{TUNNEL4}/16", f"{TUNNEL6}/64"],
                "listen_port": PORT,
                "mtu": 1280,
                "may_shrink": False,
            }
        )
        self.relay = Relay(internet.gateway, port=8000, to_port=self.server.port)
        self.log = internet.folder / "agent.log"
        self._environment = {
            "PATH": f"{path}:{os.environ['PATH']}".removeprefix(":"),
            "KONEKTIKA_URL": self.relay.url,
            "GATEWAY_SECRET_FILE": str(internet.folder / "state" / "secret"),
            "GATEWAY_STATE_DIR": str(internet.folder / "state"),
            "GATEWAY_INTERFACE": internet.gateway_interface,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def enrol(self) -> None:
        enrolment = self._start("enrol", TOKEN)
        assert enrolment.wait(30) == 0, self.log.read_text()

    def start(self, module: str = "vpn.agent") -> None:
        self._process = self._start("run", module=module)

    def kill(self) -> None:
        """SIGKILL: nothing can be finished."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It does nothing meanwhile, and all that it has put into force stays."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        self.relay.close()
        self.server.close()

    def config(self, who: Device) -> str:
        """The customer's WireGuard file."""
        addresses = ", ".join(who.peer()["addresses"])
        return (
            f"[Interface]\nPrivateKey = {who.private_key}\nAddress = {addresses}\nMTU = 1280\n"
            f"[Peer]\nPublicKey = {self.server.public_key}\nPresharedKey = {who.preshared_key}\n"
            f"AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = {GATEWAY}:{PORT}\n"
        )

    def wait_until_served(self, *who: Device, seconds: float = 20) -> None:
        keys = {public_key(one.private_key) for one in who}
        wait_until(lambda: keys <= self.served_keys(), seconds)

    def has_the_newest_state(self) -> bool:
        """Whether the agent asks for what comes after it: it has served it then."""
        return self.server.questions[-1].get("revision") == str(self.server.revision)

    def served_keys(self) -> set[str]:
        """Public keys of the peers that WireGuard has."""
        shown = self.internet.gateway.run(
            "wg", "show", self.internet.gateway_interface, "peers", check=False
        )
        return set(shown.split())

    def _start(self, *arguments: str, module: str = "vpn.agent") -> subprocess.Popen[bytes]:
        return self.internet.gateway.start(
            *RIGHTS,
            *(sys.executable, "-m", module, *arguments),
            log=self.log,
            environment=self._environment,
        )
