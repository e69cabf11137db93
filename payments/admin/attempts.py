"""The design document's table, as it is stored."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from common.admin import Endless, MaskedPhones, ModelAdmin
from payments.admin.labels import STATE_LABELS
from payments.models import MobileMoneyTransaction


@admin.register(MobileMoneyTransaction)
class AttemptAdmin(Endless, MaskedPhones, ModelAdmin):
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
    search_fields = [
        "reference",
        "provider_transaction_id",
        "provider_reference",
        "customer_phone",
    ]
    list_per_page = 50
    ordering = ["-id"]
    exclude = ["callback_token"]

    @display(description="Status", ordering="status", label=STATE_LABELS)
    def shown_status(self, attempt: MobileMoneyTransaction) -> str:
        return attempt.status
