"""`manage.py who_had_address ADDRESS TIME`: for a request of the regulator (docs/privacy.md)."""

from __future__ import annotations

import ipaddress
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from vpn.models import Peer
from vpn.selectors import who_had_address


class Command(BaseCommand):
    help = "Print who had an address of the tunnel at a time"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="IPv4 or IPv6, within a gateway's ranges")
        parser.add_argument(
            "time", help="ISO 8601; without a zone, a time in Dar es Salaam: 2026-11-25T20:15:00"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            address = ipaddress.ip_address(options["address"])
            moment = datetime.fromisoformat(options["time"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(settings.BUSINESS_TIME_ZONE))
        peers = who_had_address(address, moment)
        for peer in peers:
            self.stdout.write(_line(peer))
        if not peers:
            self.stdout.write(f"Nobody had {address} then.")


def _line(peer: Peer) -> str:
    customer = peer.subscription.customer
    until = _shown(peer.revoked_at) if peer.revoked_at else "now"
    return (
        f"gateway {peer.gateway}, peer {peer.pk}, subscription {peer.subscription_id}, "
        f"customer {customer.pk} {customer.full_name}, {customer.phone}, {customer.email}, "
        f"from {_shown(peer.created_at)} until {until}"
    )


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
