"""`manage.py replay_deliveries`: process stored webhook deliveries once more."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.models import WebhookDelivery
from payments.services.replay_delivery import REPLAYABLE, replay_delivery


class Command(BaseCommand):
    help = "Process webhook deliveries again that matched nothing, were malformed or only hints"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, metavar="ID")
        parser.add_argument("--state", choices=[state.value for state in REPLAYABLE])
        parser.add_argument("--dialect", default="")
        parser.add_argument("--hours", type=int, default=0, help="Received within that many hours")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["ids"] and not options["state"]:
            raise CommandError("Name deliveries, or a --state of them.")
        deliveries = WebhookDelivery.objects.filter(state__in=REPLAYABLE)
        if options["ids"]:
            deliveries = deliveries.filter(pk__in=options["ids"])
        if options["state"]:
            deliveries = deliveries.filter(state=options["state"])
        if options["dialect"]:
            deliveries = deliveries.filter(dialect=options["dialect"])
        if options["hours"]:
            since = timezone.now() - timedelta(hours=options["hours"])
            deliveries = deliveries.filter(received_at__gte=since)
        keys = deliveries.order_by("pk").values_list("pk", flat=True)
        done = sum(replay_delivery(delivery_id=key) for key in keys.iterator())
        self.stdout.write(f"{done} deliveries are being processed again.")
