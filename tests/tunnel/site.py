"""A site on the internet: takes what it is sent, and sends as much as it is asked for.

`python -m tests.tunnel.site <address> <port>`: a TCP connection begins with eight bytes, how much
is wanted; that much is sent. Then all that comes is counted, and the count is the last answer.
"""

from __future__ import annotations

import socket
import socketserver
import sys

CHUNK = bytes(65536)


class _Visitor(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        wanted = int.from_bytes(self.request.recv(8, socket.MSG_WAITALL))
        while wanted > 0:
            wanted -= self.request.send(CHUNK[: min(wanted, len(CHUNK))])
        received = 0
        while chunk := self.request.recv(65536):
            received += len(chunk)
        self.request.sendall(received.to_bytes(8))


class _Site(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor whose packets are stopped is what the tests are about."""


def main(address: str, port: str) -> None:
    _Site.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with _Site((address, int(port)), _Visitor) as site:
        site.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
