"""Mutation tests of the money's path: whatever changes what its code does must fail a test.

Prints the changes that no test notices, but for those that docs/mutants.md justifies, and ends with 1
if there are any. `--only settle` limits the run to modules with that in their names.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parents[2]
JUSTIFIED = ROOT / "docs" / "mutants.md"
WORKSHOP = ROOT / "mutants"  # mutmut's copy of the project, and what became of each mutant there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME")
    only = parser.parse_args().only
    survivors = {*_in_functions(only), *_in_tables(only)}
    unjustified = sorted(survivors - set(JUSTIFIED.read_text().splitlines()))
    for survivor in unjustified:
        print(survivor)
    print(f"{len(survivors)} changes go unnoticed; {len(unjustified)} are not in {JUSTIFIED.name}.")
    sys.exit(1 if unjustified else 0)


def _in_functions(only: str) -> Iterator[str]:
    shutil.rmtree(WORKSHOP, ignore_errors=True)  # what it knows of the tests may be out of date
    chosen = [f"payments.*{only}*"] if only else []
    subprocess.run(
        [sys.executable, "-m", "tests.mutation.functions", *chosen], cwd=ROOT, check=True
    )
    for report in sorted(WORKSHOP.rglob("*.meta")):
        source = report.relative_to(WORKSHOP).with_suffix("")
        for name, code in json.loads(report.read_bytes())["exit_code_by_key"].items():
            if status_by_exit_code[code] not in ("killed", "timeout", "not checked"):
                function = re.sub(r"\.x_(\w+)__mutmut_\d+$", r".\1", name)
                yield f"- `{function}`: {_change(get_diff_for_mutant(name, path=source))}"


def _change(diff: str) -> str:
    """The lines that differ, in one line."""
    lines = diff.splitlines()[2:]  # after the names of the files
    removed = [line[1:].strip() for line in lines if line.startswith("-")]
    added = [line[1:].strip() for line in lines if line.startswith("+")]
    old = " ".join(line for line in removed if line not in added)
    new = " ".join(line for line in added if line not in removed)
    return f"`{old}` → `{new}`" if new else f"`{old}` left out"


def _in_tables(only: str) -> Iterator[str]:
    result = subprocess.run(
        [sys.executable, "-m", "tests.mutation.rows", only],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield from (line for line in result.stdout.splitlines() if line.startswith("- "))


if __name__ == "__main__":
    main()
