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


class MariaDB:
    """A server with a data directory and a port of its own; it may be stopped and started again.

    `options` are in force beside OPTIONS, or instead of them.
    """

    def __init__(self, home: Path, *options: str) -> None:
        self.port = free_port()
        self.log = home / "log"
        self._home = home
        self._options = options
        self._password = secrets.token_hex(16)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its one account, which may do everything."""
        return f"mysql://konektika:{self._password}@127.0.0.1:{self.port}/konektika"

    def install(self) -> None:
        """Make the data directory and start on it. Raises CalledProcessError, TimeoutError."""
        _install(self._home, self.log)
        first = self._home / "first.sql"
        first.write_text(_first_statements(self._password))
        self._start(f"--init-file={first}")

    def open(self) -> None:
        """Start on the data directory of an earlier process, with a new password; install it where
        there is none. Raises CalledProcessError, TimeoutError.
        """
        if not (self._home / "data").exists():
            self.install()
            return
        account = self._home / "account.sql"
        account.write_text(_account(self._password))
        self._start(f"--init-file={account}")

    def start_again(self) -> None:
        """On the same data. Raises TimeoutError."""
        self._start()

    def stop(self) -> None:
        """Ask it to end, as for an upgrade."""
        if self._server is not None:
            end(self._server, seconds=20)

    def kill(self) -> None:
        """SIGKILL: what is not on the disk is gone."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def _start(self, *options: str) -> None:
        command = [
            find("mariadbd") or "mariadbd",
            "--no-defaults",
            *_place(self._home),
            *OPTIONS,
            *self._options,
            f"--port={self.port}",
            f"--socket={self._home / 'socket'}",
            *options,
        ]
        with self.log.open("ab") as words:
            self._server = spawn(command, stdout=words, stderr=words)
        wait_until(self._answers, seconds=60, what="MariaDB")

    def _answers(self) -> bool:
        account = {"user": "konektika", "password": self._password}
        try:
            with closing(MySQLdb.connect(host="127.0.0.1", port=self.port, **account)):
                return True
        except MySQLdb.OperationalError:
            return False


@contextmanager
def mariadb_server(*, place: Path | None = None) -> Iterator[MariaDB]:
    """A server for the length of a `with` block, its files in a folder of `place` meanwhile.

    Raises CalledProcessError or TimeoutError, with the server's own words printed.
    """
    with tempfile.TemporaryDirectory(prefix="konektika-mariadb-", dir=place) as folder:
        server = MariaDB(Path(folder))
        try:
            server.install()
            yield server
        except TimeoutError:
            print(server.log.read_text(errors="replace"))
            raise
        finally:
            server.stop()


def _place(home: Path) -> list[str]:
    """A server that starts deletes the temporary tables in its `tmpdir`: one that works there dies."""
    return [f"--datadir={home / 'data'}", f"--tmpdir={home}", f"--user={getpass.getuser()}"]


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
{_account(password)}
USE mysql;
{zones}
"""


def _account(password: str) -> str:
    return f"""
CREATE OR REPLACE USER konektika@127.0.0.1 IDENTIFIED BY '{password}';
GRANT ALL ON *.* TO konektika@127.0.0.1 WITH GRANT OPTION;
"""
