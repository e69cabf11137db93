"""As much as a line takes, until it is killed.

`python -m benchmarks.transfer <address> <port> <downloads> <uploads>`: so many connections at once
to a site as tests/tunnel/site.py has it.
"""

from __future__ import annotations

import socket
import sys
from threading import Thread

MORE_THAN_PASSES = 2**40
CHUNK = bytes(65536)


def main(address: str, port: str, downloads: str, uploads: str) -> None:
    site = (address, int(port))
    for work in [_download] * int(downloads) + [_upload] * int(uploads):
        Thread(target=work, args=(site,)).start()


def _download(site: tuple[str, int]) -> None:
    with socket.create_connection(site) as connection:
        connection.sendall(MORE_THAN_PASSES.to_bytes(8))
        while connection.recv(len(CHUNK)):
            pass


def _upload(site: tuple[str, int]) -> None:
    with socket.create_connection(site) as connection:
        connection.sendall((0).to_bytes(8))
        while True:
            connection.sendall(CHUNK)


if __name__ == "__main__":
    main(*sys.argv[1:])
