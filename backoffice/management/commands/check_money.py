"""Proves over the whole database that the money is right; changes nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.invariants import INVARIANTS
from backoffice.money_check import Finding, prove
from common.invariants import Invariant

LIMIT = 20


class Command(BaseCommand):
    help = "Prove each invariant of the money; exits with 1 if one does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="ID",
            help="only this invariant, or those whose id it begins; may be repeated",
        )
        parser.add_argument(
            "--limit",
            type=int,
            default=LIMIT,
            help=f"offenders shown of each; {LIMIT} if not given",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["only"])
        failing = 0
        for finding in prove(chosen, limit=options["limit"]):
            failing += finding.count > 0
            self._show(finding)
        if failing:
            raise CommandError(f"{failing} of {len(chosen)} invariants do not hold.")
        self.stdout.write(f"All {len(chosen)} invariants hold.")

    def _show(self, finding: Finding) -> None:
        verdict = self.style.ERROR("FAIL") if finding.count else self.style.SUCCESS("ok  ")
        invariant = finding.invariant
        self.stdout.write(
            f"{verdict} {invariant.id:<6} {invariant.name:<60} "
            f"{finding.count:>9,} {finding.seconds:>8.2f} s"
        )
        for offender in finding.shown:
            self.stdout.write(f"     {offender.subject}: {offender.trouble}")
        if finding.count > len(finding.shown):
            self.stdout.write(f"     {len(finding.shown):,} of {finding.count:,} shown")


def _chosen(only: list[str]) -> list[Invariant]:
    """I-15 stands for I-15a, I-15b and so on. Raises CommandError for an id that there is not."""
    known = {invariant.id: invariant for invariant in INVARIANTS}
    for name in only:
        if not any(_stands_for(name, each) for each in known):
            raise CommandError(f"There is no invariant {name}. Known are {', '.join(known)}.")
    return [
        invariant
        for each, invariant in known.items()
        if not only or any(_stands_for(name, each) for name in only)
    ]


def _stands_for(name: str, invariant_id: str) -> bool:
    return invariant_id == name or invariant_id.rstrip("abcdef") == name
