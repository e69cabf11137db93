"""The network between our programs and the database: passes everything on, and breaks when told.

SIGUSR1 cuts every connection; SIGUSR2 cuts the next COMMIT's, in turn before and after the server
had it: the client sees the same 2013 both times. It says on a line of its own what it has cut.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable
from itertools import cycle

CHUNK = 64 * 1024
# COM_QUERY and the statement; the bare word is in READ COMMITTED, which every session begins with.
COMMIT = b"\x03COMMIT"
STARTED = "wire: Starting"
ALL, BEFORE, AFTER = "cut connections:", "cut before COMMIT", "cut after COMMIT"


class Wire:
    """A port of the loopback address that leads to another one."""

    def __init__(self, port: int, server_port: int) -> None:
        self._port = port
        self._server_port = server_port
        self._connections: set[Connection] = set()
        self._sides = cycle((BEFORE, AFTER))
        self._armed: list[str] = []

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self._cut_all)
        loop.add_signal_handler(signal.SIGUSR2, lambda: self._armed.append(next(self._sides)))
        server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)
        _say(STARTED)
        await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(self._armed, reader, writer, *theirs)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    def _cut_all(self) -> None:
        _say(f"{ALL} {len(self._connections)}")
        for connection in self._connections:
            connection.cut()


class Connection:
    """One client's. `armed` is shared: who first commits takes the next cut from it."""

    def __init__(
        self,
        armed: list[str],
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._armed = armed
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._is_deaf = False

    async def run(self) -> None:
        await asyncio.gather(self._until_broken(self._ask()), self._until_broken(self._answer()))

    def cut(self) -> None:
        self._to_client.transport.abort()
        self._to_server.transport.abort()

    async def _ask(self) -> None:
        while data := await self._client.read(CHUNK):
            if self._armed and COMMIT in data:
                side = self._armed.pop(0)
                _say(side)
                if side == BEFORE:
                    break
                self._is_deaf = True
            self._to_server.write(data)
            await self._to_server.drain()

    async def _answer(self) -> None:
        """What is answered to a COMMIT whose connection is cut after it, nobody hears."""
        while (data := await self._server.read(CHUNK)) and not self._is_deaf:
            self._to_client.write(data)
            await self._to_client.drain()

    async def _until_broken(self, pump: Awaitable[None]) -> None:
        """The end of one side is the other's, however it comes: no transaction is left behind."""
        try:
            await pump
        except ConnectionError:
            return
        finally:
            self.cut()


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Wire(*map(int, sys.argv[1:3])).serve())
