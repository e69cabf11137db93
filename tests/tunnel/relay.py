"""A server of this machine's loopback, made reachable on a namespace's loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.tunnel.namespaces import Namespace


class Relay:
    """Can be cut, mended and led elsewhere, as the way to a server can."""

    def __init__(self, namespace: Namespace, *, port: int, to_port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.to_port = to_port
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._listener = namespace.listen("127.0.0.1", port)
        threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection breaks, and none is made."""
        self._is_cut = True
        self._break_all()
        try:
            yield
        finally:
            self._is_cut = False

    @contextlib.contextmanager
    def by_way_of(self, port: int) -> Iterator[None]:
        """All lead to another port of this machine's loopback for a while."""
        usual, self.to_port = self.to_port, port
        self._break_all()
        try:
            yield
        finally:
            self.to_port = usual
            self._break_all()

    def close(self) -> None:
        self._is_cut = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break_all()

    def _break_all(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                caller.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                caller.close()
                continue
            for ends in ((caller, server), (server, caller)):
                threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        self._open.add(source)
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()
