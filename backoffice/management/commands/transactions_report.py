"""`manage.py transactions_report --from DAY --to DAY`: a period's transactions as CSV (docs/reporting.md)."""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.transactions_report import transactions
from common.exports import csv_pages

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Print the transactions of the business days from one to another as CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        day = date.fromisoformat
        parser.add_argument("--from", dest="first", type=day, required=True, help="2026-01-01")
        parser.add_argument("--to", dest="last", type=day, required=True, help="the last day")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = options["first"], options["last"]
        if first > last:
            raise CommandError("The last day is before the first.")
        logger.info("transactions from %s to %s are reported", first, last)
        for lines in csv_pages(transactions(first, last)):
            self.stdout.write(lines, ending="")
