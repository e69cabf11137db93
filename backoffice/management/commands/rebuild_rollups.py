"""Counts the dashboard's sums anew from the rows."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.rollups.run import rebuild


class Command(BaseCommand):
    help = "Count the dashboard's sums anew; without a day given, of all days. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, which in (("--since", "first"), ("--until", "last")):
            parser.add_argument(
                name,
                type=date.fromisoformat,
                metavar="YYYY-MM-DD",
                help=f"the {which} business day",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        days = rebuild(since=options["since"], until=options["until"])
        self.stdout.write(f"Counted {days:,} days.")
