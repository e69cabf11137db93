"""`python -m simulator`: serve until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from aiohttp import web

from simulator.app import running
from simulator.config import Config, ConfigError, from_environment

HOST = "127.0.0.1"
STOP_SECONDS = 1  # answers that are still waited for then are cut off

logger = logging.getLogger("simulator")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="simulator: %(message)s")
    try:
        config = from_environment(os.environ)
        asyncio.run(_serve(config))
    except (ConfigError, OSError) as error:
        logger.error("%s", error)
        return 1
    return 0


async def _serve(config: Config) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with running(config) as app:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, config.port).start()
            logger.info("the phones are at http://%s:%d/", HOST, config.port)
            await stopped.wait()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
