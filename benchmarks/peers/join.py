"""A bare join of a statement and a dump of payments by polars, and LOAD DATA of what comes of it.

`python -m benchmarks.peers.join STATEMENT PAYMENTS`: tells seconds and memory.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import polars as pl  # type: ignore[import-not-found]  # in the peers' environment alone

PREAMBLE = 4  # lines above the header
# As ours, but for what only our import needs: the row's hash, its version, and the file it is of.
LINES = """
CREATE TABLE bare_lines (
    id BIGINT PRIMARY KEY, provider VARCHAR(20) NOT NULL, account VARCHAR(30) NOT NULL,
    receipt VARCHAR(40) COLLATE utf8mb4_bin NOT NULL, kind VARCHAR(30) NOT NULL,
    amount BIGINT NOT NULL, status VARCHAR(30) NOT NULL, completed_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    balance BIGINT, reference VARCHAR(64) COLLATE utf8mb4_bin NOT NULL,
    msisdn VARCHAR(20) NOT NULL, party VARCHAR(150) NOT NULL, details VARCHAR(255) NOT NULL,
    bucket VARCHAR(20) NOT NULL,
    UNIQUE KEY (receipt, provider, account, kind), KEY (bucket, completed_at),
    KEY (provider, completed_at), KEY (reference), KEY (msisdn))
"""
MATCHES = """
CREATE TABLE bare_matches (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, line_id BIGINT NOT NULL, payment_id BIGINT NOT NULL,
    rule VARCHAR(5) NOT NULL, state VARCHAR(10) NOT NULL, at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY (line_id), UNIQUE KEY (payment_id))
"""


def main(statement: Path, payments: Path) -> None:
    with closing(_connect()) as server, TemporaryDirectory() as folder:
        cursor = server.cursor()
        for name, table in (("bare_lines", LINES), ("bare_matches", MATCHES)):
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
            cursor.execute(table)
        began = perf_counter()
        lines = _lines(statement)
        matches = _matches(lines, pl.read_csv(payments))
        lines = _with_buckets(lines, matches)
        joined = perf_counter()
        _load(cursor, "bare_lines", lines, Path(folder))
        _load(cursor, "bare_matches", matches, Path(folder))
        server.commit()
        loaded = perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"join": joined - began, "load": loaded - joined, "memory": memory}))


def _lines(statement: Path) -> pl.DataFrame:
    """The portal's columns as values: an amount is positive where it came in, a time is UTC."""
    rows = pl.read_csv(statement, skip_lines=PREAMBLE, infer_schema=False)
    person = pl.col("Other Party Info").fill_null("")
    return rows.select(
        provider=pl.lit("vodacom_mpesa"),
        account=pl.lit("600100"),
        receipt=pl.col("Receipt No."),
        kind=pl.col("Reason Type"),
        amount=pl.coalesce(_amount("Paid In"), _amount("Withdrawn")),
        status=pl.col("Transaction Status"),
        completed_at=pl.col("Completion Time").str.to_datetime("%Y-%m-%d %H:%M:%S")
        - pl.duration(hours=3),
        balance=_amount("Balance"),
        reference=pl.col("A/C No.").fill_null(""),
        msisdn=person.str.extract(r"^([\d*]+) - ").fill_null(""),
        party=person.str.replace(r"^[\d*]+ - ", ""),
        details=pl.col("Details").fill_null(""),
    ).with_row_index("id", offset=1)


def _amount(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(",", "").str.strip_suffix(".00").cast(pl.Int64)


def _matches(lines: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """Completed there and here, of one receipt and one amount."""
    moved = lines.filter(pl.col("status") == "Completed")
    paid = payments.filter(pl.col("status") == "completed")
    both = moved.join(paid, left_on=["receipt", "amount"], right_on=["receipt", "paid_amount"])
    return both.select(
        line_id="id", payment_id="id_right", rule=pl.lit("R1"), state=pl.lit("confirmed")
    )


def _with_buckets(lines: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    is_matched = pl.col("id").is_in(matches["line_id"].implode())
    bucket = pl.when(is_matched).then(pl.lit("matched")).otherwise(pl.lit("paid_no_order"))
    return lines.with_columns(bucket=bucket)


def _load(cursor: Any, table: str, rows: pl.DataFrame, folder: Path) -> None:
    file = folder / f"{table}.csv"
    rows.write_csv(file, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S")
    cursor.execute(
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET utf8mb4 "
        f"FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' ({', '.join(rows.columns)})",
        [str(file)],
    )
    if cursor.rowcount != len(rows):
        raise ValueError(f"{cursor.rowcount} of {len(rows)} rows are in {table}")


def _connect() -> Any:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return MySQLdb.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.removeprefix("/"),
        charset="utf8mb4",
        local_infile=1,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
