"""An empty database of its own for one running system, beside the one of the tests' process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ALIAS = "system"


@contextmanager
def fresh_database(server_url: str, folder: Path) -> Iterator[str]:
    """The URL of a new schema on the MariaDB of the given URL; without one, of an SQLite file."""
    if not server_url.startswith("mysql"):
        yield f"sqlite:///{folder / 'system.sqlite3'}"
        return
    schema = f"system_{secrets.token_hex(6)}"
    _execute(server_url, f"CREATE DATABASE {schema}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{schema}").geturl()
    finally:
        _execute(server_url, f"DROP DATABASE {schema}")


@contextmanager
def readable_here(url: str) -> Iterator[None]:
    """Let this process reach that database under the alias `system`; then what it was before."""
    from django.db import connections

    path = urlsplit(url).path
    is_file = url.startswith("sqlite")
    outer = connections.settings.get(ALIAS)
    _forget(ALIAS)
    connections.settings[ALIAS] = {
        **connections.settings["default"],
        "NAME": path if is_file else path.removeprefix("/"),
    }
    try:
        yield
    finally:
        _forget(ALIAS)
        if outer is not None:
            connections.settings[ALIAS] = outer


def _forget(alias: str) -> None:
    from django.db import connections

    if alias in connections.settings:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def _execute(server_url: str, statement: str) -> None:
    import MySQLdb

    parts = urlsplit(server_url)
    server: Any = MySQLdb.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
    )
    try:
        server.cursor().execute(statement)
    finally:
        server.close()
