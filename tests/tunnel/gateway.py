"""A gateway whose agent is told by the real server what to serve."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlsplit

from deploy.local.gateway import token_file
from tests.system import System
from tests.tunnel.internet import GATEWAY, Internet
from tests.tunnel.namespaces import Namespace
from tests.tunnel.relay import Relay
from tests.waiting import wait_until
from vpn.agent.store import read_json, read_lines

PORT = 51820
VARIABLES = {
    "VPN_ENDPOINT": f"{GATEWAY}:{PORT}",
    "VPN_RANGE4": "10.8.0.0/16",
    "VPN_RANGE6": "fd00:8::/64",
}  # of the server, for its first gateway to be this one


class Gateway:
    """The agent as a process in a gateway's namespace: started, killed, started again."""

    def __init__(
        self,
        internet: Internet,
        system: System,
        *,
        path: str = "",
        inside: Namespace | None = None,
        token: str = "",
    ) -> None:
        """`path` is of programs that are found before the machine's.

        `inside` and `token` are of another gateway than the system's first.
        """
        self.internet = internet
        self.inside = inside or internet.gateway
        self.interface = f"kg{self.inside.mark}"
        port = urlsplit(system.url).port
        assert port is not None
        self.relay = Relay(self.inside, port=8000, to_port=port)
        self.log = internet.folder / f"agent-{self.inside.mark}.log"
        self._folder = folder = internet.folder / self.inside.mark
        self._environment = {
            "PATH": f"{path}:{os.environ['PATH']}".removeprefix(":"),
            "KONEKTIKA_URL": self.relay.url,
            "GATEWAY_SECRET_FILE": str(folder / "secret"),
            "GATEWAY_STATE_DIR": str(folder),
            "GATEWAY_INTERFACE": self.interface,
        }
        self._process: subprocess.Popen[bytes] | None = None
        words = ["--", token] if token else ["--token-file", str(token_file(system.environment))]
        enrolment = self._run("enrol", *words)
        assert enrolment.wait(30) == 0, self.log.read_text()
        self.start()

    def start(self, module: str = "vpn.agent") -> None:
        self._process = self._run("run", module=module)

    def kill(self) -> None:
        """SIGKILL: nothing can be finished."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self.relay.close()

    def wait_until_served(self, public_key: str, seconds: float = 20) -> None:
        wait_until(lambda: public_key in self.served_keys(), seconds, every=0.01)

    def served_revision(self) -> int:
        """Of the newest state that the agent has put into force: it keeps it after that."""
        snapshot = read_json(self._folder / "state.json")
        kept = ([snapshot] if snapshot else []) + read_lines(self._folder / "changes.jsonl")
        return max((each["answer"]["revision"] for each in kept), default=0)

    def served_keys(self) -> set[str]:
        """Public keys of the peers that WireGuard has."""
        shown = self.inside.run("wg", "show", self.interface, "peers", check=False)
        return set(shown.split())

    def _run(self, *arguments: str, module: str = "vpn.agent") -> subprocess.Popen[bytes]:
        return self.inside.start(
            *(sys.executable, "-m", module, *arguments),
            log=self.log,
            environment=self._environment,
        )
