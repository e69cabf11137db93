"""Paying owners what they have earned: a page of the list of transfers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts.admin import person_behind
from accounts.models import User
from bundles.services.earn import earned, earned_account
from common.confirmation import Question, ReasonForm, confirm
from payments.admin.transfers import TransferAdmin
from payments.models import Transfer
from payments.services.payout import pay_out


class PayoutForm(ReasonForm):
    amount = forms.IntegerField(
        label="Amount, TZS",
        min_value=1,
        required=False,
        help_text="Empty: all that the owner has earned",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.earned = {owner: amount for owner, amount in earned().items() if amount > 0}
        owners = User.objects.in_bulk(self.earned)
        choices = [(key, f"{owners[key]}: {amount:,} TZS") for key, amount in self.earned.items()]
        self.fields["owner"] = forms.TypedChoiceField(
            choices=choices, coerce=int, widget=UnfoldAdminSelectWidget
        )
        self.order_fields(["owner", "amount", "why", "key"])


class PayingTransferAdmin(TransferAdmin):
    """Transfers, with what only `bundles` knows of: the owners' earnings."""

    actions_list = ["pay_out"]

    @action(
        description="Pay out an owner's earnings",
        url_path="pay-out",
        permissions=["pay_out"],
        icon="payments",
    )
    def pay_out(self, request: HttpRequest) -> HttpResponse:
        form = PayoutForm(request.POST or None, initial=_preset(request.GET.get("owner", "")))

        def act(answers: Mapping[str, Any]) -> tuple[Transfer, str]:
            transfer = pay_out(
                payee_id=answers["owner"],
                account=earned_account(answers["owner"]),
                amount=answers["amount"] or form.earned[answers["owner"]],
                request_key=f"payout:{answers['key']}",
                why=answers["why"],
                by=person_behind(request),
            )
            return transfer, f"Payout {transfer.reference}: {transfer.get_state_display().lower()}."

        question = Question(
            title="Pay out an owner's earnings",
            button="Pay out",
            back=reverse("admin:payments_transfer_changelist"),
            sentences=["It goes to the owner's own phone. A large one waits for a second person."],
        )
        return confirm(self, request, question=question, form=form, act=act)

    def has_pay_out_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("payments.request_transfer"))


def _preset(owner: str) -> dict[str, int]:
    """The owner of the page's address, with all that is earned."""
    if not (owner.isascii() and owner.isdigit()):
        return {}
    return {"owner": int(owner), "amount": earned().get(int(owner), 0)}


admin.site.unregister(Transfer)
admin.site.register(Transfer, PayingTransferAdmin)
