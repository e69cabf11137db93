"""The whole small internet: who is where, and the cables between them.

customers ── 192.0.2.0/24 ── site ── 198.51.100.0/30 ── gateway
                             203.0.113.80, 2001:db8:80::80: a site
                             10.99.0.1: somebody's private machine
"""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

from tests.tunnel.namespaces import Namespace, link
from tests.waiting import wait_until

SITE4, SITE6 = "203.0.113.80", "2001:db8:80::80"
PRIVATE_MACHINE = "10.99.0.1"
GATEWAY, OTHER_GATEWAY = "198.51.100.2", "198.51.101.2"
GATEWAY_PRIVATE = "192.168.77.1"
GATEWAY_PUBLIC = "203.0.113.2"  # another address of its own, which the tunnel leads to
SITE_PORT, MAIL_PORT, DNS_PORT = 8080, 25, 53
PATIENCE_SECONDS = 20  # of a visit that should go well: a busy machine may stall for some
CUT_SECONDS = 3  # of one that should not

# Lines are slower than userspace WireGuard on a busy machine, and their queues are long: packets
# that are lost on the way would be counted at one end only.
LINE = ("tbf", "rate", "50mbit", "burst", "64kb", "limit", "16mb")


class Internet:
    """`with Internet(folder) as internet:`; all of it is gone afterwards. Logs are in the folder."""

    def __init__(self, folder: Path, *, line: tuple[str, ...] = LINE) -> None:
        """`line` is tc's for the lines of customers and of the gateway; none is as fast as it goes."""
        self.folder = folder
        self._line = line
        self.site = Namespace("site")
        self.gateway = Namespace("gateway")
        self.others: list[Namespace] = []
        self.customers: list[Customer] = []
        self.gateway_interface = f"kg{self.gateway.mark}"
        self.gateway.removes(self.gateway_interface)
        downlink, self.uplink = link(
            self.site,
            self.gateway,
            addresses=("198.51.100.1/30", "2001:db8:1::1/64"),
            other_addresses=(f"{GATEWAY}/30", "2001:db8:1::2/64"),
        )
        self._slow_down(self.site, downlink)
        self.gateway.run("ip", "route", "add", "default", "via", "198.51.100.1")
        self.gateway.run("ip", "route", "add", "default", "via", "2001:db8:1::1")
        for address in (f"{GATEWAY_PRIVATE}/24", f"{GATEWAY_PUBLIC}/32"):
            self.gateway.run("ip", "address", "add", address, "dev", "lo")
        for address in (f"{SITE4}/32", f"{SITE6}/128", f"{PRIVATE_MACHINE}/32"):
            self.site.run("ip", "address", "add", address, "dev", "lo")
        self.site.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for address, port in (
            (SITE4, SITE_PORT),
            (SITE6, SITE_PORT),
            (SITE4, MAIL_PORT),
            (PRIVATE_MACHINE, SITE_PORT),
        ):
            self.serve(self.site, address, port)
        for address in (GATEWAY_PRIVATE, GATEWAY_PUBLIC):
            self.serve(self.gateway, address, SITE_PORT)

    def __enter__(self) -> Internet:
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (
            *(customer.namespace for customer in self.customers),
            *self.others,
            self.gateway,
            self.site,
        ):
            namespace.close()

    def said(self) -> dict[str, str]:
        """What the gateways' agents have written, by the names of their logs."""
        return {log.stem: log.read_text() for log in sorted(self.folder.glob("agent-*.log"))}

    def other_gateway(self) -> Namespace:
        """A second machine for a gateway, at OTHER_GATEWAY."""
        namespace = Namespace("other")
        namespace.removes(f"kg{namespace.mark}")
        self.others.append(namespace)
        link(
            self.site,
            namespace,
            addresses=("198.51.101.1/30", "2001:db8:2::1/64"),
            other_addresses=(f"{OTHER_GATEWAY}/30", "2001:db8:2::2/64"),
        )
        namespace.run("ip", "route", "add", "default", "via", "198.51.101.1")
        namespace.run("ip", "route", "add", "default", "via", "2001:db8:2::1")
        return namespace

    def customer(self) -> Customer:
        """One more, with a line of its own and no tunnel yet."""
        number = 4 * len(self.customers)
        namespace = Namespace(f"customer{len(self.customers)}")
        _, uplink = link(
            self.site,
            namespace,
            addresses=(f"192.0.2.{number + 1}/30",),
            other_addresses=(f"192.0.2.{number + 2}/30",),
        )
        self._slow_down(namespace, uplink)
        customer = Customer(namespace, line=f"192.0.2.{number + 1}")
        self.customers.append(customer)
        return customer

    def serve(self, where: Namespace, address: str, port: int) -> None:
        """Have a site answer there; ready when this returns."""
        where.start(
            *(sys.executable, "-m", "tests.tunnel.site", address, str(port)),
            log=self.folder / f"site-{port}.log",
        )
        listening = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        wait_until(lambda: listening in where.run("ss", "-Hltn"), 20)

    def _slow_down(self, where: Namespace, interface: str) -> None:
        if self._line:
            where.run("tc", "qdisc", "add", "dev", interface, "root", *self._line)


class Customer:
    """Somebody with a phone: a namespace whose only way out is the tunnel, once there is one."""

    def __init__(self, namespace: Namespace, *, line: str) -> None:
        self.namespace = namespace
        self.interface = f"kc{namespace.mark}"
        self._line = line

    def connect(self, config: str) -> None:
        """Bring the tunnel of a WireGuard file up, as wg-quick does."""
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
        parser.read_string(config)
        ours, peer = parser["Interface"], parser["Peer"]
        run = self.namespace.run
        # First of all: a handshake that finds no way out is tried again after five seconds only.
        gateway = peer["Endpoint"].rpartition(":")[0]
        run("ip", "route", "replace", gateway, "via", self._line)
        stripped = f"[Interface]\nPrivateKey = {ours['PrivateKey']}\n[Peer]\n" + "".join(
            f"{name} = {value}\n" for name, value in peer.items()
        )
        file = Path(f"/run/{self.interface}.conf")
        file.write_text(stripped, encoding="ascii")
        file.chmod(0o600)
        try:
            if not self.namespace.has(self.interface):
                run("wireguard-go", self.interface)
                self.namespace.removes(self.interface)
            run("wg", "setconf", self.interface, str(file))
        finally:
            file.unlink()
        run("ip", "address", "flush", "dev", self.interface)  # of an earlier file
        for address in ours["Address"].replace(" ", "").split(","):
            without_asking = ("nodad",) if ":" in address else ()
            run("ip", "address", "replace", address, "dev", self.interface, *without_asking)
        run("ip", "link", "set", "dev", self.interface, "mtu", ours.get("MTU", "1280"), "up")
        run("ip", "-4", "route", "replace", "default", "dev", self.interface)
        run("ip", "-6", "route", "replace", "default", "dev", self.interface)

    def visit(
        self,
        address: str = SITE4,
        port: int = SITE_PORT,
        *,
        down: int = 1,
        up: int = 1,
        patience: float = PATIENCE_SECONDS,
    ) -> tuple[int, int]:
        """Bytes that came down and went up, as far as they got before nothing moved any more."""
        printed = self.namespace.python(
            "tests.tunnel.visit", *(str(word) for word in (address, port, down, up, patience))
        )
        received, arrived = printed.split()
        return int(received), int(arrived)

    def reaches(self, address: str = SITE4, port: int = SITE_PORT, *, patience: float = 1) -> bool:
        return self.visit(address, port, patience=patience) == (1, 1)

    def bytes_of_tunnel(self) -> tuple[int, int]:
        """Inner IP bytes that the tunnel's interface has sent and received."""
        return self.namespace.bytes_of(self.interface)
