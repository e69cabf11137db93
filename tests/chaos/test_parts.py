"""What a run is made of: the seed decides it, and the wire leaves nothing behind that it has cut."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from deploy.local.ports import free_port
from tests.chaos.customers import BILLERS, BILLS, MIX, draw
from tests.chaos.faults import FAULTS, schedule
from tests.chaos.test_run import PAYMENTS
from tests.chaos.wire import COMMIT, Wire

SECONDS = 60
NO_LINGER = struct.pack("ii", 1, 0)  # closing sends RST, as the death of a process may

Use = Callable[[int, asyncio.Queue[bytes]], Coroutine[Any, Any, None]]


def test_a_seed_gives_the_same_run_again_and_another_seed_another() -> None:
    assert draw(200, 7) == draw(200, 7) != draw(200, 8)
    assert schedule(200, 7) == schedule(200, 7) != schedule(200, 8)


def test_the_short_run_has_every_fault_and_every_scenario() -> None:
    assert {fault.name for fault in schedule(PAYMENTS, 1)} == FAULTS.keys()
    assert {customer.scenario for customer in draw(PAYMENTS, 1)} == MIX.keys()


def test_who_pays_by_menu_has_a_provider_with_a_menu_and_presses_no_button() -> None:
    by_menu = [customer for customer in draw(200, 1) if customer.pays_by_menu]
    assert {customer.scenario for customer in by_menu} == set(BILLS)
    assert {customer.provider for customer in by_menu} == set(BILLERS)
    assert not any(customer.presses_twice for customer in by_menu)


def test_a_thousand_payments_have_as_many_faults_as_the_table_says() -> None:
    assert Counter(fault.name for fault in schedule(1000, 1)) == {
        name: per_thousand for name, (per_thousand, _) in FAULTS.items()
    }


def test_a_client_that_dies_leaves_no_connection_to_the_server() -> None:
    async def use(port: int, heard: asyncio.Queue[bytes]) -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"BEGIN")
        assert await heard.get() == b"BEGIN"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        client.close()
        assert await heard.get() == b""

    _through_a_wire(use)


@pytest.mark.parametrize(("told", "server_hears"), [(1, b""), (2, COMMIT)])
def test_a_commit_is_cut_before_and_then_after_the_server_has_it(
    told: int, server_hears: bytes
) -> None:
    async def use(port: int, heard: asyncio.Queue[bytes]) -> None:
        for number in range(1, told + 1):
            signal.raise_signal(signal.SIGUSR2)
            await asyncio.sleep(0.1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(COMMIT)
            assert await reader.read() == b""  # nobody hears whether it was committed
            writer.close()
            assert await heard.get() == (server_hears if number == told else b"")

    _through_a_wire(use)


def _through_a_wire(use: Use) -> None:
    """Run it with the wire's port and what a server behind it hears; b"" is a connection's end."""

    async def run() -> None:
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(1000):
                    heard.put_nowait(data)
                    writer.write(b"OK")
            except ConnectionError:
                pass
            heard.put_nowait(b"")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = free_port()
        wire = asyncio.create_task(Wire(port, server.sockets[0].getsockname()[1]).serve())
        await asyncio.sleep(0.1)
        await asyncio.wait_for(use(port, heard), SECONDS)
        wire.cancel()
        server.close()

    asyncio.run(run())
