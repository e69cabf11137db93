"""A throwaway MariaDB with the settings that production is advised to have."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import MySQLdb

from deploy.local.ports import free_port
from deploy.local.processes import end, spawn, wait_until

ZONES = "/usr/share/zoneinfo"
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb-tzinfo-to-sql")
OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--innodb-rollback-on-timeout=ON",
    "--innodb-lock-wait-timeout=5",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-print-all-deadlocks=ON",
    "--innodb-buffer-pool-size=256M",
    "--max-connections=400",
)


def find(program: str) -> str | None:
    """A program's path; servers lie where only root's PATH leads."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def mariadb_server() -> Iterator[str]:
    """The URL of a server for the length of a `with` block; its one account may do everything.

    Raises CalledProcessError or TimeoutError, with the server's own words printed.
    """
    with tempfile.TemporaryDirectory(prefix="konektika-mariadb-") as folder:
        home, port, password = Path(folder), free_port(), secrets.token_hex(16)
        log = home / "log"
        _install(home, log)
        (home / "first.sql").write_text(_first_statements(password))
        with log.open("ab") as words:
            server = spawn(_command(home, port), stdout=words, stderr=words)
        try:
            wait_until(lambda: _answers(port, password), seconds=60, what="MariaDB")
            yield f"mysql://konektika:{password}@127.0.0.1:{port}/konektika"
        except TimeoutError:
            print(log.read_text(errors="replace"))
            raise
        finally:
            end(server, seconds=20)


def _command(home: Path, port: int) -> list[str]:
    return [
        find("mariadbd") or "mariadbd",
        "--no-defaults",
        *_place(home),
        *OPTIONS,
        f"--port={port}",
        f"--socket={home / 'socket'}",
        f"--init-file={home / 'first.sql'}",
    ]


def _place(home: Path) -> list[str]:
    return [f"--datadir={home / 'data'}", f"--user={getpass.getuser()}"]


def _install(home: Path, log: Path) -> None:
    program = find("mariadb-install-db") or "mariadb-install-db"
    command = [program, "--no-defaults", *_place(home), "--skip-test-db"]
    with log.open("ab") as words:
        if subprocess.call(command, stdout=words, stderr=words) == 0:
            return
    print(log.read_text(errors="replace"))
    raise subprocess.CalledProcessError(1, command)


def _first_statements(password: str) -> str:
    """The account, and the time zones without which CONVERT_TZ gives NULL."""
    program = find("mariadb-tzinfo-to-sql") or "mariadb-tzinfo-to-sql"
    zones = subprocess.run(
        [program, ZONES], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True
    ).stdout
    return f"""
CREATE USER konektika@127.0.0.1 IDENTIFIED BY '{password}';
GRANT ALL ON *.* TO konektika@127.0.0.1 WITH GRANT OPTION;
USE mysql;
{zones}
"""


def _answers(port: int, password: str) -> bool:
    account = {"user": "konektika", "password": password}
    try:
        with closing(MySQLdb.connect(host="127.0.0.1", port=port, **account)):
            return True
    except MySQLdb.OperationalError:
        return False
