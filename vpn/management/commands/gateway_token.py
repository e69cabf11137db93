"""Prints a one-time token with which a machine becomes a gateway's."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpn.models import Gateway
from vpn.services.enrol import GOOD_FOR, issue_token


class Command(BaseCommand):
    help = "Print a token for the agent of a gateway; it is good once, for a quarter of an hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="first")

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = Gateway.objects.filter(name=options["name"]).first()
        if gateway is None:
            names = ", ".join(Gateway.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(
                f"There is no gateway {options['name']}; there are: {names or 'none'}."
            )
        self.stdout.write(issue_token(gateway))
        minutes = GOOD_FOR.total_seconds() / 60
        self.stderr.write(f"Good for {minutes:.0f} minutes: python -m vpn.agent enrol <token>")
