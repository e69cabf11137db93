"""`manage.py query_payment NAME…`: ask the provider now, from a terminal, and say what is known."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from payments.models import Payment
from payments.selectors import latest_attempt
from payments.services.query import check_attempt


class Command(BaseCommand):
    help = "Ask the provider about payments: by payment id, reference or receipt"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in options["names"]:
            payment = _find(name)
            attempt = latest_attempt(payment)
            if attempt is not None:
                check_attempt(attempt_id=attempt.pk)
            payment.refresh_from_db()
            self.stdout.write(
                f"{name}: {payment.get_state_display()} {payment.reason or ''} "
                f"{payment.get_disposition_display() or 'not acted on'}"
            )


def _find(name: str) -> Payment:
    named = (
        Q(public_id=name) | Q(attempts__reference=name) | Q(attempts__provider_transaction_id=name)
    )
    payment = Payment.objects.filter(named).first()
    if payment is None:
        raise CommandError(f"There is no payment {name}.")
    return payment
