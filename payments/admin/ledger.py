"""The ledger: postings with their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from common.admin import Endless, ModelAdmin, ReadOnly, Sought, newest
from common.confirmation import Question, ReasonForm, confirm
from payments.models import Entry, Posting, ProviderName
from payments.services.record_bank import Movement, record_bank

MOVEMENTS = [
    (Movement.TOP_UP, "Float topped up from the bank"),
    (Movement.FROM_COLLECTION, "Float topped up from what was collected"),
    (Movement.SETTLEMENT, "What was collected, paid to the bank"),
]


class BankForm(ReasonForm):
    movement = forms.ChoiceField(choices=MOVEMENTS, widget=UnfoldAdminSelectWidget)
    provider = forms.ChoiceField(choices=ProviderName.choices, widget=UnfoldAdminSelectWidget)
    amount = forms.IntegerField(
        label="Amount, TZS", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    reference = forms.CharField(
        max_length=60,
        help_text="The provider's receipt, else the bank's: recorded twice, it is posted once",
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ["movement", "provider", "amount", "reference", "why", "key"]


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
class PostingAdmin(Endless, Sought, ReadOnly, ModelAdmin):
    list_display = ["id", "posted_at", "source", "memo"]
    list_filter = ["posted_at"]
    search_help_text = "Source, such as sale:purchase:<number>; account, such as credit:<number>"
    list_per_page = 50
    ordering = ["-id"]
    inlines = [EntryInline]
    actions_list = ["record_bank"]

    def sought(self, term: str) -> Iterator[QuerySet[Any, int]]:
        yield newest(Posting.objects.filter(source=term))
        yield newest(Entry.objects.filter(account=term), "posting_id")

    @action(
        description="Record a top-up or settlement",
        url_path="record-bank",
        permissions=["record_bank"],
        icon="account_balance",
    )
    def record_bank(self, request: HttpRequest) -> HttpResponse:
        return confirm(
            self,
            request,
            question=Question(
                title="Record a top-up or settlement",
                button="Record",
                back=reverse("admin:payments_posting_changelist"),
                sentences=["As the statement of the bank or the provider tells it."],
            ),
            form=BankForm(request.POST or None),
            act=_record,
        )

    def has_record_bank_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("payments.record_bank"))


def _record(answers: Mapping[str, Any]) -> tuple[Posting, str]:
    posting = record_bank(
        movement=Movement(answers["movement"]),
        provider=ProviderName(answers["provider"]),
        amount=answers["amount"],
        reference=answers["reference"],
        note=answers["why"],
    )
    return posting, f"Recorded {answers['amount']:,} TZS as {posting.source}."
