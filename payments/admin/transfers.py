"""Money that goes out: found by what staff are told, decided on by a second person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin import person_behind
from common import phone as phones
from common.admin import BusinessDays, MaskedInline, MaskedPhones, ModelAdmin, Sought, newest
from common.confirmation import Question, ReasonForm, confirm
from common.shown_phone import shown_text
from payments.admin.labels import TRANSFER_LABELS
from payments.models import UNANSWERED, ProviderCall, ProviderName, Transfer, TransferEvent
from payments.services.decide_transfer import (
    approve_transfer,
    reject_transfer,
    resolve_transfer,
)
from payments.states import TransferState

SENT, NOT_SENT = "sent", "not_sent"


class ResolveForm(ReasonForm):
    """What the provider's statement says."""

    result = forms.ChoiceField(
        choices=[(SENT, "It was sent"), (NOT_SENT, "It was not sent")],
        widget=UnfoldAdminSelectWidget,
    )
    receipt = forms.CharField(
        required=False,
        max_length=255,
        help_text="The provider's, where it was sent",
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ["result", "receipt", "why", "key"]

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        if answers.get("result") == SENT and not answers.get("receipt"):
            self.add_error("receipt", "Which receipt does the statement name?")
        return answers


class NobodyKnows(admin.SimpleListFilter):
    title = "unknown"
    parameter_name = "unknown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "May have been sent, nobody knows")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
        if self.value() == "yes":
            return queryset.filter(state=TransferState.PENDING, outcome__in=UNANSWERED)
        return queryset


class EventInline(MaskedInline):
    model = TransferEvent
    fields = ["at", "from_state", "to_state", "source", "by", "evidence"]
    with_phones = ("evidence",)
    verbose_name_plural = "history"


class CallInline(MaskedInline):
    model = ProviderCall
    fields = ["started_at", "kind", "outcome", "code", "message"]
    with_phones = ("message",)
    verbose_name_plural = "calls"


@admin.register(Transfer)
class TransferAdmin(Sought, MaskedPhones, ModelAdmin):
    with_phones = ("phone", "why")
    list_display = [
        "reference",
        "created_at",
        "kind",
        "payee",
        "phone",
        "provider",
        "shown_amount",
        "shown_state",
        "provider_transaction_id",
    ]
    list_filter = ["state", "kind", "provider", NobodyKnows, ("created_at", BusinessDays)]
    list_filter_submit = True
    linked_by = ("payee__id__exact",)
    list_select_related = ["payee"]
    list_per_page = 50
    search_help_text = "Reference, receipt, provider's handle, phone in any form"
    exclude = ["callback_token", "request_key", "open_payment"]
    inlines = [EventInline, CallInline]
    actions_detail = ["approve", "reject", "resolve"]

    def sought(self, term: str) -> Iterator[QuerySet[Transfer, int]]:
        yield newest(Transfer.objects.filter(reference=term))
        yield newest(Transfer.objects.filter(provider_reference=term))
        yield newest(
            Transfer.objects.filter(provider__in=ProviderName.values, provider_transaction_id=term)
        )
        with suppress(phones.InvalidPhoneNumber):
            yield newest(Transfer.objects.filter(phone=phones.parse(term)))

    @display(description="TZS", ordering="amount")
    def shown_amount(self, transfer: Transfer) -> str:
        return f"{transfer.amount:,}"

    @display(description="State", ordering="state", label=TRANSFER_LABELS)
    def shown_state(self, transfer: Transfer) -> str:
        return transfer.state

    @action(description="Approve", url_path="approve", permissions=["approve"], icon="check")
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._decide(
            request, object_id, "Approve", approve_transfer, "Approved; it is being sent."
        )

    @action(description="Reject", url_path="reject", permissions=["reject"], icon="close")
    def reject(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._decide(
            request,
            object_id,
            "Reject",
            reject_transfer,
            "Rejected; the money lies where it came from.",
        )

    @action(description="Resolve", url_path="resolve", permissions=["resolve"], icon="gavel")
    def resolve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Settle by the statement what the provider has told nothing final about."""
        transfer = get_object_or_404(Transfer, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Transfer, str]:
            was_sent = answers["result"] == SENT
            changed = resolve_transfer(
                transfer_id=transfer.pk,
                was_sent=was_sent,
                receipt=answers["receipt"] if was_sent else "",
                by=person_behind(request),
                why=answers["why"],
            )
            if not changed:
                return transfer, "Nothing was changed: look at this transfer's cases."
            return transfer, f"Resolved: it was {'' if was_sent else 'not '}sent."

        question = _question(transfer, "Resolve", "Only as the provider's statement tells it.")
        form = ResolveForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def _decide(
        self,
        request: HttpRequest,
        object_id: int,
        verb: str,
        decide: Callable[..., Transfer],
        sentence: str,
    ) -> HttpResponse:
        transfer = get_object_or_404(Transfer, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Transfer, str]:
            decided = decide(transfer_id=transfer.pk, by=person_behind(request), why=answers["why"])
            return decided, sentence

        question = _question(
            transfer, verb, f"Asked for because: {shown_text(request, transfer.why)}"
        )
        form = ReasonForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def has_approve_permission(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> bool:
        return _may_decide(request, object_id, [TransferState.REQUESTED])

    def has_reject_permission(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> bool:
        return _may_decide(request, object_id, [TransferState.REQUESTED, TransferState.QUEUED])

    def has_resolve_permission(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> bool:
        return _may_decide(request, object_id, [TransferState.PENDING])


def _may_decide(
    request: HttpRequest, object_id: int | str | None, states: Iterable[TransferState]
) -> bool:
    """Offered to those who decide, for a transfer that the decision is open of; the service tells who
    sends a page too late.
    """
    if not request.user.has_perm("payments.decide_transfer") or object_id is None:
        return False
    return (
        request.method == "POST" or Transfer.objects.filter(pk=object_id, state__in=states).exists()
    )


def _question(transfer: Transfer, verb: str, sentence: str) -> Question:
    what = f"{transfer.get_kind_display()} {transfer.reference}"
    where = f"{transfer.amount:,} TZS to {transfer.payee}, {phones.mask(transfer.phone)}"
    return Question(
        title=f"{verb}: {what}",
        button=verb,
        back=reverse("admin:payments_transfer_change", args=[transfer.pk]),
        sentences=[f"{where} by {transfer.get_provider_display()}.", sentence],
    )
