"""Receipts that customers have named, and what became of them. Nothing is decided here: cases are."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import QuerySet
from unfold.decorators import display

from common.admin import Endless, ModelAdmin, ReadOnly, Sought, newest
from payments.admin.labels import CLAIM_LABELS
from payments.models import ReceiptClaim


@admin.register(ReceiptClaim)
class ReceiptClaimAdmin(Endless, Sought, ReadOnly, ModelAdmin):
    list_display = ["receipt", "provider", "customer", "shown_state", "payment", "claimed_at"]
    list_filter = ["state", "provider", "claimed_at"]
    list_prefetch = ["customer", "payment"]
    search_help_text = "Receipt"
    list_per_page = 50
    ordering = ["-id"]
    exclude = ["callback_token"]

    def sought(self, term: str) -> Iterator[QuerySet[ReceiptClaim, int]]:
        yield newest(ReceiptClaim.objects.filter(key=term.upper()))

    @display(description="State", ordering="state", label=CLAIM_LABELS)
    def shown_state(self, claim: ReceiptClaim) -> str:
        return claim.state
