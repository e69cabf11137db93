"""Tells M-Pesa where to ask about customer-initiated payments; in production it takes that once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.errors import ProviderUnavailable
from payments.models import ProviderName
from payments.providers import registry
from payments.providers.base import Answer, Outcome
from payments.providers.mpesa_daraja.client import MpesaDaraja


class Command(BaseCommand):
    help = (
        "Register the validation and confirmation URLs of the pay bill number with M-Pesa (Daraja)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        answer = _daraja().register_urls()
        said = f"{answer.message} (code {answer.code or 'none'})"
        if answer.outcome == Outcome.SUCCEEDED:
            self.stdout.write(f"M-Pesa has taken the URLs: {said}")
            return
        if _are_registered(answer):
            raise CommandError(
                f"M-Pesa has URLs for this short code already and takes them once: {said}"
            )
        raise CommandError(f"M-Pesa has not taken the URLs: {said}")


def _daraja() -> MpesaDaraja:
    try:
        provider = registry.enabled_provider(ProviderName.VODACOM_MPESA)
    except ProviderUnavailable as error:
        raise CommandError("M-Pesa is not set up.") from error
    if not isinstance(provider, MpesaDaraja):
        raise CommandError("M-Pesa is not set up in its Daraja dialect, which alone has such URLs.")
    return provider


def _are_registered(answer: Answer) -> bool:
    """The code is an internal error's too, so the words decide."""
    return "already registered" in answer.message.lower()
