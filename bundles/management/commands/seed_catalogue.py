"""Adds the standard catalogue; safe to repeat."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from bundles.services.seed import seed_catalogue


class Command(BaseCommand):
    help = "Add the standard bundles to the platform's own account."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{seed_catalogue()} bundles added.")
