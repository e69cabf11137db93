"""`make chaos`: many payments while everything breaks; then our books must equal the providers'.

`python -m tests.chaos.run --payments 1000 --seed 7`. The seed decides the customers, what their phones
do, and which fault comes after which order; what the machine does in between, it cannot decide. Exit
code 1 when anything that must hold does not: the offenders are printed, and the logs are kept.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import django

from deploy.local.mariadb_server import mariadb_server
from tests.chaos import wire

if TYPE_CHECKING:
    from tests.chaos.play import Run
    from tests.chaos.stage import Stage

LOST = r"^django\.db\.utils\.OperationalError: "
SAID = {
    "transactions tried again: deadlock (1213)": r"is retried: \(1213",
    "transactions tried again: lock time-out (1205)": r"is retried: \(1205",
    "statements whose connection was lost (2013)": LOST + r"\(2013, 'Lost connection to server dur",
    "connections refused (2002, 2006, 2013)": LOST + r"\((2002|2006|2013, .Lost connection .* at )",
    "connections cut before COMMIT": re.escape(wire.BEFORE),
    "connections cut after COMMIT": re.escape(wire.AFTER),
    "messages that wait for their sweep": r"waits for its sweep",
}
CUT_AT_ONCE = re.compile(re.escape(wire.ALL) + r" (\d+)")


def main() -> int:
    arguments = _arguments()
    os.environ["DJANGO_SETTINGS_MODULE"] = "konektika.settings_test"
    folder = Path(tempfile.mkdtemp(prefix="konektika-chaos-"))
    began = monotonic()
    with mariadb_server() as mariadb:
        os.environ["DATABASE_URL"] = mariadb.url
        django.setup()
        from tests.chaos.play import play
        from tests.chaos.stage import stage

        with stage(folder, mariadb, seed=arguments.seed) as place:
            print(f"All runs, after {monotonic() - began:.0f} s; logs in {folder}.", flush=True)
            run = play(
                place,
                payments=arguments.payments,
                seed=arguments.seed,
                per_second=arguments.per_second,
            )
            _report(place, run)
    violations = run.verdict.violations
    print(
        f"\nSeed {arguments.seed}, {monotonic() - began:.0f} s, of which trouble "
        f"{run.seconds_of_trouble:.0f} s, rest {run.seconds_of_rest:.0f} s: ",
        end="",
    )
    if not violations:
        shutil.rmtree(folder)
        print("everything held.")
        return 0
    print(f"{len(violations)} violations. The logs are in {folder}.")
    for violation in violations:
        print(f"  {violation}")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--per-second", type=float, default=4.0, help="orders")
    return parser.parse_args()


def _report(stage: Stage, run: Run) -> None:
    from tests.chaos.play import ended

    _table("Orders by scenario and end", ended(stage, run))
    assert run.trouble is not None
    print("\nFaults")
    for name, count in run.trouble.done.items():
        print(f"  {count:6d}  {name}")
    for name, count in run.trouble.ended.items():
        print(f"  {count:6d}  {name} ended by itself and was started again")
    words = stage.words()
    print("\nSeen")
    print(f"  {run.trouble.deadlocks:6d}  deadlocks that the fights came to")
    print(f"  {sum(map(int, CUT_AT_ONCE.findall(words))):6d}  connections cut all at once")
    for what, pattern in SAID.items():
        print(f"  {len(re.findall(pattern, words, re.MULTILINE)):6d}  {what}")
    print(f"  {run.leaps:6d}  leaps in time until no row waited for anything")
    verdict = run.verdict
    print(f"\nBooks: {verdict.lines} movements of {verdict.moved:,} TZS on the statements")
    for what, count in sorted(verdict.explained.items()):
        print(f"  {count:6d}  {what}, {verdict.explained_amount[what]:+,} TZS")
        print(f"          such as: {verdict.explained_by[what]}")
    print("\nCases and transfers")
    for what, count in sorted(_states(stage).items()):
        print(f"  {count:6d}  {what}")


def _states(stage: Stage) -> Counter[str]:
    from cases.models import Case
    from payments.models import Transfer

    rows = stage.system.rows
    return Counter(
        [
            *(f"{state} case: {kind}" for kind, state in rows(Case).values_list("kind", "state")),
            *(
                f"{kind} by {method}: {state}"
                for kind, method, state in rows(Transfer).values_list("kind", "method", "state")
            ),
        ]
    )


def _table(title: str, counts: Counter[tuple[str, str]]) -> None:
    ends = sorted({end for _, end in counts})
    widths = [max(10, len(end)) for end in ends]
    print(f"\n{title:<26}" + "".join(f"{e:>{w + 2}}" for e, w in zip(ends, widths, strict=True)))
    for scenario in sorted({scenario for scenario, _ in counts}):
        row = [counts[scenario, end] for end in ends]
        cells = "".join(f"{n or '':>{w + 2}}" for n, w in zip(row, widths, strict=True))
        print(f"  {scenario:<24}{cells}")
    totals = [sum(n for (_, end), n in counts.items() if end == each) for each in ends]
    print(f"  {'':<24}" + "".join(f"{n:>{w + 2}}" for n, w in zip(totals, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
