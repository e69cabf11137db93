"""Makes tokens for gateways' agents, and moves their customers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from vpn.models import Gateway
from vpn.services.enrol import issue_token
from vpn.services.move import drain_gateway


class Command(BaseCommand):
    help = "Make a token for a gateway's agent, or move a gateway's customers away."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        token = verbs.add_parser("token", help="print a token: good once, for 15 minutes")
        token.add_argument("name", nargs="?", default="first")
        move = verbs.add_parser("move", help="move all customers to another gateway")
        move.add_argument("name")
        move.add_argument("to", nargs="?", default="", help="else as new customers are placed")

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = _named(options["name"])
        if options["verb"] == "token":
            self.stdout.write(issue_token(gateway))
            return
        try:
            self._move(gateway, _named(options["to"]) if options["to"] else None)
        except DomainError as error:
            raise CommandError(str(error)) from error

    def _move(self, gateway: Gateway, target: Gateway | None) -> None:
        while True:
            moved, left = drain_gateway(gateway=gateway, to=target)
            self.stdout.write(f"{moved} customers moved, {left} devices left.")
            if not left:
                return
            if not moved:
                raise CommandError("No gateway in service has room for those that are left.")


def _named(name: str) -> Gateway:
    gateway = Gateway.objects.filter(name=name).first()
    if gateway is None:
        known = ", ".join(Gateway.objects.order_by("name").values_list("name", flat=True))
        raise CommandError(f"There is no gateway {name}; there are: {known or 'none'}.")
    return gateway
