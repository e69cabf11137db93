"""Reads a sample by a mapping and stores nothing: what a profile would make of such files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from payments.statements.balance import Chain
from payments.statements.columns import FileMapping, guess
from payments.statements.lines import Fault, PlainLine, read_lines
from payments.statements.refusal import StatementRefused
from payments.statements.survey import Layout, survey
from payments.statements.tables import FIRST_LINES, Table, open_table

SHOWN = 10
COLUMNS_MOST = 200  # of a sample: each is offered for each of ours


@dataclass(slots=True)
class Sum:
    """Of the lines of one kind that move money, TZS."""

    lines: int = 0
    amount: int = 0


@dataclass(slots=True)
class DryRun:
    """Counts, sums by kind, what the balance proves, and the first of each."""

    layout: Layout
    chain: Chain = field(default_factory=Chain)
    lines: int = 0
    faulty: int = 0
    evidence: int = 0  # lines that move no money
    sums: dict[str, Sum] = field(default_factory=dict)
    first_lines: list[PlainLine] = field(default_factory=list)
    first_faults: list[Fault] = field(default_factory=list)


def dry_run(content: BinaryIO, mapping: FileMapping) -> DryRun:
    """Raises StatementRefused as the import would, but asks for no till."""
    table = open_table(content)
    run = DryRun(survey(table, {0: mapping}))
    for row, _ in run.chain.follow(read_lines(table, run.layout)):
        if isinstance(row, Fault):
            run.faulty += 1
            if len(run.first_faults) < SHOWN:
                run.first_faults.append(row)
        else:
            _count(run, row)
    return run


def _count(run: DryRun, line: PlainLine) -> None:
    run.lines += 1
    run.evidence += not line.moves_money
    if len(run.first_lines) < SHOWN:
        run.first_lines.append(line)
    if line.moves_money:
        of_kind = run.sums.setdefault(line.kind, Sum())
        of_kind.lines += 1
        of_kind.amount += line.amount


def header_of(content: BinaryIO, line: int = 0) -> tuple[int, list[str]]:
    """The line of a sample's header and its cells; without a line, the one that looks most like it.

    Raises StatementRefused for a file that has no rows of text, or far too many columns.
    """
    first = _first_rows(open_table(content))
    if line not in first or len(first[line]) > COLUMNS_MOST:
        line = max(
            first, key=lambda number: (len(guess(first[number])), _filled(first[number])), default=0
        )
    header = first.get(line, [])
    if len(header) > COLUMNS_MOST:
        raise StatementRefused(
            f"Line {line} has {len(header):,} columns, a statement at most {COLUMNS_MOST}."
        )
    return line, header


def _first_rows(table: Table) -> dict[int, list[str]]:
    rows = {}
    for number, cells in table.rows():
        if number > FIRST_LINES:
            break
        rows[number] = cells
    return rows


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)
