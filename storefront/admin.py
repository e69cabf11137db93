"""What customers have asked for, for staff to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.admin import person_behind
from bundles.models import Activation, Purchase
from bundles.services.unused import pro_rata, unused
from common.admin import MaskedPhones, ModelAdmin
from common.confirmation import ReasonForm, confirm_verb
from payments.services.refund import refundable
from storefront.models import RefundRequest
from storefront.services.ask_refund import decline, grant


class GrantForm(ReasonForm):
    amount = forms.IntegerField(
        label="Amount, TZS", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    field_order = ["amount", "why", "key"]


@admin.register(RefundRequest)
class RefundRequestAdmin(MaskedPhones, ModelAdmin):
    with_phones = ("why", "decision")
    list_display = ["id", "customer", "payment", "shown_state", "why", "asked_at", "decided_by"]
    list_filter = ["state", "asked_at"]
    list_select_related = ["customer", "payment", "decided_by"]
    list_per_page = 50
    exclude = ["open_payment"]
    actions_detail = ["grant", "decline"]

    @display(
        description="State",
        ordering="state",
        label={"asked": "info", "granted": "success", "declined": "warning"},
    )
    def shown_state(self, request: RefundRequest) -> str:
        return request.state

    @action(description="Grant", url_path="grant", permissions=["decide"], icon="undo")
    def grant(self, request: HttpRequest, object_id: str) -> HttpResponse:
        asked = self._asked(request, object_id)
        left = refundable(asked.payment)

        def act(answers: Mapping[str, Any]) -> tuple[RefundRequest, str]:
            made = grant(
                request_id=asked.pk,
                amount=answers["amount"],
                by=person_behind(request),
                why=answers["why"],
            )
            return made, f"Granted: {answers['amount']:,} TZS go back."

        sentences = [
            f"{left:,} TZS of this payment can go back, to the phone that paid.",
            *_unused(asked),
            "What was bought ends at once. A large refund waits for a second person.",
        ]
        form = GrantForm(request.POST or None, initial={"amount": left})
        return confirm_verb(
            self,
            request,
            row=asked,
            name=asked,
            verb="Grant",
            sentences=sentences,
            act=act,
            form=form,
        )

    @action(description="Decline", url_path="decline", permissions=["decide"], icon="close")
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        asked = self._asked(request, object_id)

        def act(answers: Mapping[str, Any]) -> tuple[RefundRequest, str]:
            made = decline(request_id=asked.pk, by=person_behind(request), why=answers["why"])
            return made, "Declined; the customer is told."

        return confirm_verb(
            self,
            request,
            row=asked,
            name=asked,
            verb="Decline",
            sentences=["The customer reads the reason, in an SMS and on the payment's page."],
            act=act,
        )

    def _asked(self, request: HttpRequest, object_id: str) -> RefundRequest:
        asked: RefundRequest | None = self.get_object(request, object_id)
        if asked is None:
            raise Http404
        return asked

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("storefront.decide_refund_request"))


def _unused(asked: RefundRequest) -> list[str]:
    """What is left of what was bought, as a proposal."""
    bought = Activation.objects.filter(purchase=Purchase.id_from(asked.payment.subject))
    activation = bought.select_related("subscription", "purchase").first()
    if activation is None:
        return []
    parts = pro_rata(activation.purchase.price, unused(activation, timezone.now()))
    return [f"Unused: {parts.by_days:,} TZS by days, {parts.by_bytes:,} TZS by data."]
