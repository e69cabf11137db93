"""Stores a statement's lines thousands at a time: a million take seconds, no row is an object."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper

from payments.days.batches import some
from payments.models import Bucket, FaultyRow, LineVersion, StatementFile, StatementLine
from payments.services.by_turns import NotBeforehand
from payments.services.match.arrivals import is_plain, match_arrivals, next_line
from payments.statements.lines import FEE, RECORD, UNIT, Fault, PlainLine

logger = logging.getLogger(__name__)

# LOAD DATA LOCAL is switched off in the server (1148, 4166, 3948) or in the client (2068).
NOT_LOADED = frozenset({1148, 2068, 3948, 4166})
NEW = Bucket.NEW.value
DIFFERENT = "This receipt is in line {row} of the same file, with other values."

READ = PlainLine._fields[1:]  # the columns that are the line's own; the first is its row
COLUMNS = (*READ, "row", "balance_breaks")
FIXED = ("provider", "account", "file_id", "version")  # the same for all of a file

Fixed = tuple[str, str, int, int]
Checked = tuple[PlainLine, bool | None]  # whether its balance breaks; None: nothing tells
Key = tuple[str, str, bool, int]
Direction = tuple[str, bool]  # a kind, and whether it came in


class Stored(NamedTuple):
    """A line that the database has."""

    id: int
    row_hash: str
    file_id: int
    row: int
    version: int
    balance_breaks: bool


class Inserted(NamedTuple):
    """Rows of which those that were new have just become lines.

    `new` is how many, with ids from `first` on. `plain` of all rows were to be stored as matched.
    """

    rows: Sequence[Checked]
    first: int
    new: int
    plain: int


@dataclass(slots=True)
class Kept:
    """What became of rows. `met` are lines of other files, by id, that this file repeats."""

    new: int = 0
    tried: int = 0  # of the new ones, to match by their receipts
    matched: int = 0
    changed: int = 0
    known: int = 0
    faults: list[Fault] = field(default_factory=list)
    met: set[int] = field(default_factory=set)


def insert_lines(
    file: StatementFile,
    lines: Sequence[Checked],
    *,
    are_ours: bool,
    text: str,
    is_beforehand: bool = False,
) -> Inserted:
    """Insert what is new, and leave the rest; `keep_lines` follows in the same transaction.

    `are_ours` is whether most can be expected to match by their receipts: then they are stored as
    matched, and those that do are written once. `text` is what `as_text` makes of the lines, if it was
    made. Raises NotBeforehand for what needs the lines of rows that another transaction still stores.
    """
    if not lines:
        return Inserted(lines, 0, 0, 0)
    if bare := {line.receipt for line, _ in lines if _is_bare(line)}:
        if is_beforehand:
            raise NotBeforehand
        lines, text = _by_their_receipts(file, lines, bare), ""
    plain = sum(is_plain(line) for line, _ in lines) if are_ours else 0
    fixed = (file.provider, file.account, file.pk, 1)
    bucket = Bucket.MATCHED.value if are_ours else NEW
    loaded = _load(fixed, text or as_text(lines), bucket) if connection.vendor == "mysql" else None
    if loaded is None and is_beforehand:
        raise NotBeforehand
    first, new = loaded or _insert_rows(fixed, lines, bucket)
    return Inserted(lines, first, new, plain)


def keep_lines(file: StatementFile, inserted: Inserted, met: set[int]) -> Kept:
    """Match what was inserted, and change what is told otherwise. Safe to repeat with the inserting.

    `met` are the lines that earlier rows of this file have repeated: those rows are stored by now.
    """
    lines, first, new, plain = inserted
    tried = min(plain, new)
    matched = match_arrivals(file.pk, first=first, expected=plain) if tried else 0
    if new == len(lines):
        return Kept(new=new, tried=tried, matched=matched)
    stored = _stored(file, [line for line, _ in lines])
    kept, changes = Kept(tried=tried, matched=matched), dict[int, PlainLine]()
    for line, _ in lines:
        _compare(file, line, stored, met, kept, changes)
    _change(file, changes)
    _mark(lines, stored)
    return kept


def keep_faults(file: StatementFile, faults: Iterable[Fault]) -> None:
    rows = [FaultyRow(file=file, row=row, text=text, why=why[:255]) for row, text, why in faults]
    FaultyRow.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def _by_their_receipts(
    file: StatementFile, lines: Sequence[Checked], bare: set[str]
) -> Sequence[Checked]:
    """A row that moved nothing may come without its amount, and so without a direction.

    It tells of the one line that its receipt has, fees aside, and is of that one's kind.
    """
    kinds = _kinds_of(file, lines, bare)
    return [(_of_kind(line, kinds), breaks) for line, breaks in lines]


def _is_bare(line: PlainLine) -> bool:
    return not (line.amount or line.moves_money or line.kind == FEE)


def _of_kind(line: PlainLine, kinds: dict[str, Direction]) -> PlainLine:
    if line.receipt not in kinds or not _is_bare(line):
        return line
    kind, is_incoming = kinds[line.receipt]
    return line._replace(kind=kind, is_incoming=is_incoming)


def _kinds_of(
    file: StatementFile, lines: Sequence[Checked], receipts: set[str]
) -> dict[str, Direction]:
    """Kind and direction of receipts that have one line; with an amount, where several have none."""
    whole, bare = defaultdict[str, set[Direction]](set), defaultdict[str, set[Direction]](set)
    for line, _ in lines:
        if line.receipt in receipts and line.amount and line.kind != FEE:
            whole[line.receipt].add((line.kind, line.is_incoming))
    of_account = StatementLine.objects.filter(provider=file.provider, account=file.account)
    for part in some(receipts):
        stored = of_account.filter(receipt__in=part).exclude(kind=FEE).order_by()
        for receipt, kind, is_incoming, amount in stored.values_list(
            "receipt", "kind", "is_incoming", "amount"
        ):
            (whole if amount else bare)[receipt].add((kind, is_incoming))
    found = {**bare, **whole}
    return {receipt: told.pop() for receipt, told in found.items() if len(told) == 1}


def _compare(
    file: StatementFile,
    line: PlainLine,
    stored: dict[Key, Stored],
    met: set[int],
    kept: Kept,
    changes: dict[int, PlainLine],
) -> None:
    """A row against the line of its receipt, which is this very row where it was new."""
    key = _key(line)
    there = stored[key]
    is_of_this_file = there.file_id == file.pk
    if there.row_hash == line.row_hash:
        if not (is_of_this_file and there.row == line.row):
            kept.known += 1
            if not is_of_this_file:
                kept.met.add(there.id)
        elif there.version == 1:
            kept.new += 1
        else:
            kept.changed += 1
    elif is_of_this_file or there.id in met or there.id in kept.met:
        row = there.row if is_of_this_file else "another"
        kept.faults.append(Fault(line.row, _told(line), DIFFERENT.format(row=row)))
    else:
        kept.changed += 1
        changes[there.id] = line
        stored[key] = there._replace(
            row_hash=line.row_hash, file_id=file.pk, row=line.row, version=there.version + 1
        )


def _key(line: PlainLine) -> Key:
    """What is unique on one account."""
    return line.receipt, line.kind, line.is_incoming, line.part


def _told(line: PlainLine) -> str:
    return " | ".join(str(value) for value in line[1:-2])


def _stored(file: StatementFile, lines: Sequence[PlainLine]) -> dict[Key, Stored]:
    found: dict[Key, Stored] = {}
    of_account = StatementLine.objects.filter(provider=file.provider, account=file.account)
    for receipts in some({line.receipt for line in lines}):
        rows = of_account.filter(receipt__in=receipts).order_by()
        for receipt, kind, is_incoming, part, *rest in rows.values_list(
            "receipt", "kind", "is_incoming", "part", *Stored._fields
        ):
            found[receipt, kind, is_incoming, part] = Stored(*rest)
    return found


def _change(file: StatementFile, changes: dict[int, PlainLine]) -> None:
    """How a line was is kept, and it is to be matched anew."""
    for ids in some(changes):
        lines = list(StatementLine.objects.select_for_update().filter(pk__in=ids))
        LineVersion.objects.bulk_create(
            LineVersion(
                line=line, version=line.version, file_id=line.file_id, row=line.row, was=_was(line)
            )
            for line in lines
        )
        for line in lines:
            told = changes[line.pk]
            for column in READ:
                setattr(line, column, getattr(told, column))
            line.completed_at = told.at
            line.file, line.row, line.version = file, told.row, line.version + 1
            line.bucket = Bucket.NEW
        changed = [*READ, "file", "row", "version", "bucket"]
        StatementLine.objects.bulk_update(lines, changed, batch_size=200)


def _was(line: StatementLine) -> dict[str, object]:
    was = {column: getattr(line, column) for column in (*READ, "bucket")}
    return {**was, "completed_at": f"{line.completed_at:%Y-%m-%d %H:%M:%S}"}


def _mark(lines: Sequence[Checked], stored: dict[Key, Stored]) -> None:
    """A balance that this file proves, or breaks, of a line that another file has told of."""
    for breaks in (True, False):
        wrong = (
            there.id
            for line, now in lines
            if now is breaks and (there := stored[_key(line)]).balance_breaks is not breaks
        )
        for ids in some(wrong):
            StatementLine.objects.filter(pk__in=ids).update(balance_breaks=breaks)


def _load(fixed: Fixed, text: str, plain: str) -> tuple[int, int] | None:
    """By LOAD DATA: half the time of multi-row INSERTs, and a fraction of their memory.

    Returns the first id and how many were new; None where it is switched off.
    """
    try:
        return _load_file(fixed, text, plain)
    except OperationalError as error:
        if error.args[0] not in NOT_LOADED:
            raise
        logger.info("lines are inserted in rows, not loaded: %s", error)
        return None


def _load_file(fixed: Fixed, text: str, plain: str) -> tuple[int, int]:
    with NamedTemporaryFile("w", encoding="utf-8", newline="", prefix="statement-") as written:
        written.write(text)
        written.flush()
        names = ["@balance" if name == "balance" else _quoted(name) for name in COLUMNS]
        constant = ", ".join(f"{_quoted(name)} = %s" for name in FIXED)
        with connection.cursor() as cursor, _unlocked_file(cursor):
            cursor.execute(
                f"LOAD DATA LOCAL INFILE %s IGNORE INTO TABLE {_table()} CHARACTER SET utf8mb4 "
                f"FIELDS TERMINATED BY '{UNIT}' ESCAPED BY '' LINES TERMINATED BY '{RECORD}' "
                f"({', '.join(names)}, @is_plain) SET balance = NULLIF(@balance, ''), "
                f"bucket = IF(@is_plain, %s, %s), {constant}",
                [written.name, plain, NEW, *fixed],
            )
            new = int(cursor.rowcount)
            cursor.execute("SELECT LAST_INSERT_ID()")  # the first one's, if any was new
            return int(cursor.fetchone()[0]), new


@contextmanager
def _unlocked_file(cursor: CursorWrapper) -> Iterator[None]:
    """Without the check that the lines' file exists, which locks its row until the commit.

    There the batch before says how far it is while this one is loaded. That the file exists, this
    batch's own progress finds out in the same transaction.
    """
    cursor.execute("SET SESSION foreign_key_checks = 0")
    try:
        yield
    finally:
        cursor.execute("SET SESSION foreign_key_checks = 1")


def as_text(lines: Iterable[Checked]) -> str:
    """Rows as the server is told to read them; the reader of files lets no separator into a value."""
    return "".join(_rows(lines))


def _rows(lines: Iterable[Checked]) -> Iterator[str]:
    for line, breaks in lines:
        (
            row, receipt, kind, is_incoming, amount, moves_money, status, completed_at, balance,
            reference, msisdn, party, linked, details, currency, part, row_hash,
        ) = line  # fmt: skip
        yield (
            f"{receipt}{UNIT}{kind}{UNIT}{is_incoming:d}{UNIT}{amount}{UNIT}{moves_money:d}{UNIT}"
            f"{status}{UNIT}{completed_at}{UNIT}{'' if balance is None else balance}{UNIT}"
            f"{reference}{UNIT}{msisdn}{UNIT}{party}{UNIT}{linked}{UNIT}{details}{UNIT}{currency}"
            f"{UNIT}{part}{UNIT}{row_hash}{UNIT}{row}{UNIT}{breaks is True:d}{UNIT}"
            f"{is_plain(line):d}{RECORD}"
        )


def _insert_rows(fixed: Fixed, lines: Sequence[Checked], plain: str) -> tuple[int, int]:
    first = next_line()
    verb = "INSERT IGNORE" if connection.vendor == "mysql" else "INSERT OR IGNORE"
    columns = (*FIXED, *COLUMNS, "bucket")
    names, places = ", ".join(map(_quoted, columns)), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"{verb} INTO {_table()} ({names}) VALUES ({places})",
            [
                (*fixed, *line[1:], line.row, breaks is True, plain if is_plain(line) else NEW)
                for line, breaks in lines
            ],
        )
        return first, int(cursor.rowcount)


def _table() -> str:
    return _quoted(StatementLine._meta.db_table)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
