"""The design document's table, as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from unfold.decorators import display

from common import phone as phones
from common.admin import Endless, MaskedPhones, ModelAdmin, Sought, newest
from payments.admin.labels import STATE_LABELS
from payments.models import MobileMoneyTransaction, ProviderName


@admin.register(MobileMoneyTransaction)
class AttemptAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("customer_phone", "api_request", "api_response", "webhook_data")
    list_display = [
        "reference",
        "provider",
        "customer_phone",
        "shown_status",
        "provider_transaction_id",
        "created_at",
        "next_check_at",
    ]
    list_filter = ["status", "provider", "dialect", "created_at"]
    search_help_text = "Our reference, receipt, provider's id, phone in any form"
    list_per_page = 50
    ordering = ["-id"]
    exclude = ["callback_token"]

    def sought(self, term: str) -> Iterator[QuerySet[MobileMoneyTransaction, int]]:
        return found_attempts(term)

    @display(description="Status", ordering="status", label=STATE_LABELS)
    def shown_status(self, attempt: MobileMoneyTransaction) -> str:
        return attempt.status


def found_attempts(term: str, column: str = "pk") -> Iterator[QuerySet[Any, int]]:
    """A column of the attempts that somebody could mean who reads the term out, by an index each."""
    attempts = MobileMoneyTransaction.objects.all()
    yield newest(attempts.filter(reference=term), column)
    for name in ("provider_transaction_id", "provider_reference"):
        # The index begins with the provider.
        found = attempts.filter(provider__in=ProviderName.values, **{name: term})
        yield newest(found, column)
    with suppress(phones.InvalidPhoneNumber):
        yield newest(attempts.filter(customer_phone=phones.parse(term)), column)
