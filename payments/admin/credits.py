"""Credit that somebody asked for, above what one person may give: a second person decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from unfold.decorators import action, display

from accounts.admin import person_behind
from cases.subjects import subject_of
from common.admin import BusinessDays, ModelAdmin, ReadOnly
from common.confirmation import confirm_verb
from payments.admin.labels import CREDIT_LABELS
from payments.models import CreditRequest
from payments.services.decide_credit import approve_credit, reject_credit


@admin.register(CreditRequest)
class CreditRequestAdmin(ReadOnly, ModelAdmin):
    list_display = [
        "asked_at",
        "customer",
        "shown_amount",
        "shown_state",
        "subject",
        "asked_by",
        "decided_by",
    ]
    list_filter = ["state", ("asked_at", BusinessDays)]
    list_filter_submit = True
    list_select_related = ["customer", "asked_by", "decided_by"]
    list_per_page = 50
    exclude = ["asked_of"]
    actions_detail = ["approve", "reject"]

    @display(description="TZS", ordering="amount")
    def shown_amount(self, asked: CreditRequest) -> str:
        return f"{asked.amount:,}"

    @display(description="State", ordering="state", label=CREDIT_LABELS)
    def shown_state(self, asked: CreditRequest) -> str:
        return asked.state

    @action(description="Approve", url_path="approve", permissions=["decide"], icon="check")
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._decide(
            request, object_id, "Approve", approve_credit, "Approved: it is credit."
        )

    @action(description="Reject", url_path="reject", permissions=["decide"], icon="close")
    def reject(self, request: HttpRequest, object_id: int) -> HttpResponse:
        sentence = "Rejected: the money lies where it was."
        return self._decide(request, object_id, "Reject", reject_credit, sentence)

    def _decide(
        self,
        request: HttpRequest,
        object_id: int,
        verb: str,
        decide: Callable[..., CreditRequest],
        sentence: str,
    ) -> HttpResponse:
        asked = get_object_or_404(CreditRequest, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[CreditRequest, str]:
            return decide(
                request_id=asked.pk, by=person_behind(request), why=answers["why"]
            ), sentence

        return confirm_verb(
            self,
            request,
            row=asked,
            name=asked,
            verb=verb,
            sentences=[
                f"{subject_of(asked.subject).description}.",
                f"{asked.asked_by} asks for it: {asked.why}",
            ],
            act=act,
        )

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered to those who decide on money that leaves, while it waits."""
        if not request.user.has_perm("payments.decide_transfer") or object_id is None:
            return False
        # A page that is sent twice is told what has become of it.
        rows = CreditRequest.objects.filter(pk=object_id)
        is_sent = request.method == "POST"
        return (rows if is_sent else rows.filter(state=CreditRequest.State.ASKED)).exists()
