"""A visit of a site: `python -m tests.tunnel.visit <address> <port> <bytes down> <bytes up> <seconds>`.

Prints how many bytes came down and how many the site has received, as far as they got: a visit is
over when nothing has moved for that many seconds.
"""

from __future__ import annotations

import contextlib
import socket
import sys


def main(address: str, port: str, down: str, up: str, seconds: str) -> None:
    received, arrived = 0, 0
    with (
        contextlib.suppress(OSError),
        socket.create_connection((address, int(port)), timeout=float(seconds)) as site,
    ):
        site.sendall(int(down).to_bytes(8))
        while received < int(down) and (chunk := site.recv(65536)):
            received += len(chunk)
        left = memoryview(bytes(int(up)))
        while left:
            left = left[site.send(left[:65536]) :]
        site.shutdown(socket.SHUT_WR)
        arrived = int.from_bytes(site.recv(8, socket.MSG_WAITALL))
    sys.stdout.write(f"{received} {arrived}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
