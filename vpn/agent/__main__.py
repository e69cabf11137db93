"""`python -m vpn.agent enrol <token>` once, then `python -m vpn.agent run` for ever."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from vpn.agent import VERSION
from vpn.agent.backend import Backend, BackendFailed
from vpn.agent.books import Books
from vpn.agent.client import Client, Refused, ServerAway, enrol
from vpn.agent.dry_run import DryRun
from vpn.agent.kernel import Kernel
from vpn.agent.keys import new_private_key, public_key
from vpn.agent.loop import Agent
from vpn.agent.memory import Memory
from vpn.agent.settings import Settings, WrongSettings, read_settings
from vpn.agent.store import write_file

logger = logging.getLogger("vpn.agent")


class CannotStart(Exception):
    """`str()` is one sentence for whoever stands at the terminal."""


def main(arguments: list[str]) -> None:
    options = _options(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        settings = read_settings(os.environ)
        if options.command == "enrol":
            _enrol(settings, _token(options))
        else:
            _run(settings)
    except (WrongSettings, CannotStart, BackendFailed) as problem:
        sys.exit(f"vpn.agent: {problem}")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vpn.agent", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    enrolment = commands.add_parser("enrol", help="exchange a one-time token for our own secret")
    enrolment.add_argument("token", nargs="?", help="as staff have made it, good for 15 minutes")
    enrolment.add_argument("--token-file", type=Path, help="a file that has it")
    commands.add_parser("run", help="serve")
    return parser.parse_args(arguments)


def _token(options: argparse.Namespace) -> str:
    if options.token:
        return str(options.token)
    if options.token_file is None:
        raise CannotStart("Give the token, or --token-file.")
    try:
        return str(options.token_file.read_text(encoding="ascii").strip())
    except OSError as problem:
        raise CannotStart(f"The token cannot be read: {problem}.") from problem


def _enrol(settings: Settings, token: str) -> None:
    """Safe to repeat: the key is made once, and the newest secret counts."""
    key_file = _private_key_file(settings)
    if not key_file.exists():
        write_file(key_file, new_private_key().encode() + b"\n")
    try:
        enrolment = enrol(
            settings.url, token=token, public_key=_public_key(settings), version=VERSION
        )
    except (ServerAway, Refused) as problem:
        raise CannotStart(f"Not enrolled: {problem}.") from problem
    write_file(settings.secret_file, enrolment.secret.encode() + b"\n")
    logger.info("Enrolled as gateway %d.", enrolment.gateway_id)


def _run(settings: Settings) -> None:
    own_public_key = _public_key(settings)
    _secret(settings)  # without one there is nothing to begin
    agent = Agent(
        _backend(settings, own_public_key),
        own_public_key=own_public_key,
        memory=Memory(settings.state_dir),
        books=Books(settings.state_dir),
        # The file is read for each call: a new enrolment needs no restart.
        new_client=lambda: Client(settings.url, lambda: _secret(settings)),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()


def _backend(settings: Settings, own_public_key: str) -> Backend:
    if settings.backend == "dry-run":
        return DryRun(settings.state_dir, kbps=settings.dry_run_kbps)
    return Kernel(
        settings.interface,
        private_key_file=_private_key_file(settings),
        public_key=own_public_key,
    )


def _private_key_file(settings: Settings) -> Path:
    return settings.state_dir / "private.key"


def _public_key(settings: Settings) -> str:
    try:
        return public_key(_private_key_file(settings).read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise CannotStart("This gateway is not enrolled: run `enrol` with its token.") from None
    except (OSError, ValueError) as problem:
        raise CannotStart(f"The private key cannot be read: {problem}.") from problem


def _secret(settings: Settings) -> str:
    try:
        return settings.secret_file.read_text(encoding="ascii").strip()
    except OSError as problem:
        raise CannotStart(f"The gateway's secret cannot be read: {problem}.") from problem


if __name__ == "__main__":
    main(sys.argv[1:])
