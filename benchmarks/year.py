"""`python -m benchmarks.year`: makes years of sales in a MariaDB that is kept, for what measures them.

Each is a schema of its own, named by its number of payments; what is there already is left alone.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.core.management import call_command
from django.db import connection

from benchmarks.year_rows import (
    BUNDLES,
    DEVICES_EACH,
    OF_CUSTOMERS,
    OF_PAYMENTS,
    OWNERS,
    PAYMENTS_EACH,
)
from deploy.local.mariadb_server import MariaDB

KEPT = Path("var/benchmark-year")
FEW, MANY = 50_000, 5_000_000
YEAR = timedelta(days=364)  # so that the dashboard's year has all of it
LATELY = timedelta(days=2)  # cases that are younger are open
ROWS_AT_ONCE = 25_000
READ_TIMEOUT = 3600  # seconds; an index of millions takes minutes to make
POOL = "1G"  # the server's buffer pool while it is measured
MAKING = (  # a crash would cost the schema, which is then made again
    "--innodb-buffer-pool-size=6G",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-log-file-size=2G",
)
MEASURING = (
    f"--innodb-buffer-pool-size={POOL}",
    "--innodb-buffer-pool-load-at-startup=OFF",  # which would have at hand what was last written
)


@contextmanager
def years(
    home: Path, sizes: Sequence[int], *, are_rolled_up: bool = False
) -> Iterator[dict[int, str]]:
    """The schemas of these sizes, with the dashboard's sums if asked for, made first where they are
    missing; then the server that has them, as it is measured. Its rows stay when it is stopped.
    """
    with _server(home, *MAKING):
        for size in sizes:
            _make(size)
            if are_rolled_up:
                _roll_up(size)
    with _server(home, *MEASURING):
        yield {size: _schema(size) for size in sizes}


def use(schema: str) -> None:
    """Talk to that schema from now on."""
    connection.close()
    connection.settings_dict["NAME"] = schema


@contextmanager
def _server(home: Path, *options: str) -> Iterator[None]:
    """A server on the kept rows, which Django talks to for the length of a `with` block."""
    home.mkdir(parents=True, exist_ok=True)
    server = MariaDB(home.resolve(), *options)
    before = {
        key: connection.settings_dict[key]
        for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME", "OPTIONS")
    }
    try:
        server.open()
        parts = urlsplit(server.url)
        connection.settings_dict.update(
            HOST=parts.hostname,
            PORT=parts.port,
            USER=parts.username,
            PASSWORD=parts.password,
            OPTIONS={**before["OPTIONS"], "read_timeout": READ_TIMEOUT},
        )
        use("mysql")
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
        server.stop()


def _schema(size: int) -> str:
    return f"year_of_{size}"


def _make(size: int) -> None:
    """The schema and its rows, whole: what was left half made is made anew."""
    schema = _schema(size)
    if not _is_done(schema):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {schema}")
            cursor.execute(f"CREATE DATABASE {schema}")
        began = time.monotonic()
        use(schema)
        call_command("migrate", verbosity=0)
        _first_rows(size // PAYMENTS_EACH)
        _fill(size)
        _note_done(schema, f"Made {size:,} payments", began)
    use(schema)
    call_command("migrate", verbosity=0)  # what an earlier version made


def _roll_up(size: int) -> None:
    """The dashboard's sums, by the command."""
    use(_schema(size))
    if not _is_done(f"{_schema(size)}_rolled_up_by_owner"):
        began = time.monotonic()
        call_command("rebuild_rollups")
        _note_done(f"{_schema(size)}_rolled_up_by_owner", f"Rolled {size:,} payments up", began)


def _is_done(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS kept")
        cursor.execute("CREATE TABLE IF NOT EXISTS kept.made (name VARCHAR(64) PRIMARY KEY)")
        cursor.execute("SELECT 1 FROM kept.made WHERE name = %s", [name])
        return cursor.fetchone() is not None


def _note_done(name: str, what: str, began: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO kept.made VALUES (%s)", [name])
    print(f"{what} in {(time.monotonic() - began) / 60:.1f} minutes.", flush=True)


def _first_rows(customers: int) -> None:
    """Whom the rows belong to: owners with bundles, gateways with room, statements' files."""
    from accounts.models import User
    from bundles.models import Bundle
    from payments.models import ProviderName, StatementFile
    from vpn.models import Gateway

    User.objects.bulk_create(
        User(pk=key, full_name=f"Owner {key}", email=f"owner{key}@example.test", role="owner")
        for key in range(1, OWNERS + 1)
    )
    Bundle.objects.bulk_create(
        Bundle(
            pk=key,
            owner_id=1 + key % OWNERS,
            name=f"Monthly Bundle {key}",
            data_limit_gb=5,
            price=1000,
            duration_days=30,
            max_clients=customers,
        )
        for key in range(1, BUNDLES + 1)
    )
    Gateway.objects.all().delete()
    Gateway.objects.bulk_create(
        Gateway(
            pk=key,
            name=f"gateway-{key}",
            endpoint_host=f"gw{key}.example.com",
            endpoint_port=51820,
            range4=f"10.{key}.0.0/16",
        )
        for key in range(1, 2 + customers // DEVICES_EACH)
    )
    StatementFile.objects.bulk_create(
        StatementFile(
            pk=number,
            provider=provider,
            account="400200",
            name=f"{provider}.csv",
            sha256=provider,
            state=StatementFile.State.READ,
        )
        for number, provider in enumerate(
            (ProviderName.VODACOM_MPESA, ProviderName.TIGO_PESA, ProviderName.AIRTEL_MONEY), 1
        )
    )


def _fill(count: int) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    values: dict[str, Any] = {
        "count": count,
        "customers": count // PAYMENTS_EACH,
        "now": now,
        "since": now - YEAR,
        "lately": now - LATELY,
        "step": int(YEAR / timedelta(microseconds=1)) // count,
    }
    began = time.monotonic()
    with connection.cursor() as cursor:
        # Checks that these rows pass by their making, and that would take most of the time.
        cursor.execute("SET unique_checks = 0, foreign_key_checks = 0")
        for statements, until in (
            (OF_CUSTOMERS, count // PAYMENTS_EACH),
            (OF_PAYMENTS, count),
        ):
            for first in range(1, until + 1, ROWS_AT_ONCE):
                last = min(until, first + ROWS_AT_ONCE - 1)
                for statement in statements:
                    cursor.execute(statement, {**values, "first": first, "last": last})
                if not (last // ROWS_AT_ONCE) % 10:
                    print(f"{last:,} of {until:,}, {time.monotonic() - began:.0f} s", flush=True)
        cursor.execute("SET unique_checks = 1, foreign_key_checks = 1")
        for table in connection.introspection.table_names():
            cursor.execute(f"ANALYZE TABLE {table}")
            cursor.fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    os.environ["DATABASE_URL"] = "mysql://kept@127.0.0.1/kept"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings_test")
    django.setup()
    with years(options.kept, (FEW,)):
        pass
    with years(options.kept, (options.payments,), are_rolled_up=True):
        pass


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kept", type=Path, default=KEPT, metavar="FOLDER", help=f"where rows are kept ({KEPT})"
    )
    parser.add_argument(
        "--payments", type=int, default=MANY, metavar="N", help=f"in the larger year ({MANY:,})"
    )


if __name__ == "__main__":
    main()
