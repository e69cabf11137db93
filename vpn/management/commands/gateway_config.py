"""Prints a gateway machine's own WireGuard file; it holds private keys."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vpn.models import Gateway
from vpn.selectors import peers_of_gateway
from vpn.wireguard_config import gateway_config


class Command(BaseCommand):
    help = "Print the WireGuard file of a gateway with all its peers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="first")

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = Gateway.objects.filter(name=options["name"]).first()
        if gateway is None:
            raise CommandError(f"There is no gateway {options['name']}.")
        self.stdout.write(gateway_config(gateway, peers_of_gateway(gateway)))
