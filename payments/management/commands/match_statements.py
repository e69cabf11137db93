"""`manage.py match_statements`: match statement lines with payments and transfers, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.services.match.run import match_statements


class Command(BaseCommand):
    help = "Match statement lines with payments and transfers, and open cases for the rest"

    def handle(self, *args: Any, **options: Any) -> None:
        result = match_statements()
        if not result.is_whole:
            raise CommandError("Another run is under way: it looks at everything.")
        self.stdout.write(f"{result.matched:,} lines matched, {result.left:,} left open.")
