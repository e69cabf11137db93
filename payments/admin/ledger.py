"""The ledger: postings with their lines."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from common.admin import ReadOnly
from payments.models import Entry, Posting


class EntryInline(ReadOnly, TabularInline):
    model = Entry
    fields = ["account", "debit", "credit"]
    readonly_fields = ["debit", "credit"]

    @display(description="Debit, TZS")
    def debit(self, entry: Entry) -> str:
        return f"{entry.amount:,}" if entry.amount > 0 else ""

    @display(description="Credit, TZS")
    def credit(self, entry: Entry) -> str:
        return f"{-entry.amount:,}" if entry.amount < 0 else ""


@admin.register(Posting)
class PostingAdmin(ReadOnly, ModelAdmin):
    list_display = ["id", "posted_at", "source", "memo"]
    list_filter = ["posted_at"]
    search_fields = ["source", "memo", "entries__account"]
    list_per_page = 50
    ordering = ["-id"]
    inlines = [EntryInline]
