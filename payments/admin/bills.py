"""Payments that customers began by a provider's menu; money in suspense is given to its customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import User
from common import phone as phones
from common.admin import Endless, MaskedPhones, ModelAdmin, Sought, newest
from payments.admin.labels import BILL_LABELS
from payments.errors import NotPlaceable
from payments.models import Bill, CreditRequest, ProviderName
from payments.services.place_bill import place_bill


class PlaceForm(forms.Form):
    """Whose money it is, and how that is known."""

    customer = forms.CharField(
        label="Customer's e-mail or phone", max_length=254, widget=UnfoldAdminTextInputWidget
    )
    why = forms.CharField(label="Reason", max_length=200, widget=UnfoldAdminTextareaWidget)

    def clean_customer(self) -> User:
        typed = self.cleaned_data["customer"].strip()
        found = User.objects.filter(email=typed.lower()).first() or _owner_of(typed)
        if found is None:
            raise forms.ValidationError("Nobody has this e-mail address or phone.")
        return found


@admin.register(Bill)
class BillAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("msisdn", "bill_reference", "payer_name")
    list_display = [
        "receipt",
        "provider",
        "shown_state",
        "bill_reference",
        "msisdn",
        "payer_name",
        "shown_amount",
        "payer",
        "created_at",
    ]
    list_filter = ["state", "provider", "created_at"]
    list_prefetch = ["payer"]
    search_help_text = "Receipt, reference, our id, phone in any form"
    list_per_page = 50
    ordering = ["-id"]
    actions_detail = ["place"]

    def sought(self, term: str) -> Iterator[QuerySet[Bill, int]]:
        yield newest(Bill.objects.filter(provider__in=ProviderName.values, receipt=term))
        yield newest(Bill.objects.filter(bill_reference=term))
        yield newest(Bill.objects.filter(our_id=term))
        with suppress(phones.InvalidPhoneNumber):
            yield newest(Bill.objects.filter(msisdn=phones.msisdn(phones.parse(term))))

    @display(description="State", ordering="state", label=BILL_LABELS)
    def shown_state(self, bill: Bill) -> str:
        return bill.state

    @display(description="TZS", ordering="amount")
    def shown_amount(self, bill: Bill) -> str:
        return f"{bill.amount:,}"

    @action(
        description="Place this money",
        url_path="place",
        permissions=["place"],
        icon="person_check",
    )
    def place(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks who the customer is and why, then gives them the money as credit."""
        bill = get_object_or_404(Bill, pk=object_id)
        form = PlaceForm(request.POST or None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": "Place this money",
                "opts": self.model._meta,
                "bill": bill,
                "form": form,
            }
            return TemplateResponse(request, "payments/place_bill.html", context)
        customer, why = form.cleaned_data["customer"], form.cleaned_data["why"]
        assert isinstance(request.user, User)  # noqa: S101 - nobody else has passed the permission
        try:
            made = place_bill(bill_id=bill.pk, customer_id=customer.pk, why=why, by=request.user)
        except NotPlaceable as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            waits = isinstance(made, CreditRequest)
            verb = "Asked to place" if waits else "Placed"
            self.log_change(request, bill, f"{verb} with {customer.email}: {why}")
            sentence = f"TZS {bill.amount:,} are credit of {customer} now."
            if waits:
                sentence = (
                    f"TZS {bill.amount:,} wait for a second person to approve them as credit."
                )
            self.message_user(request, sentence, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_bill_change", args=[bill.pk]))

    def has_place_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for money in suspense, to staff who may place it; the service tells who is late."""
        if object_id is None or not request.user.has_perm("payments.place_bill"):
            return False
        return (
            request.method == "POST"
            or Bill.objects.filter(pk=object_id, state=Bill.State.SUSPENSE).exists()
        )


def _owner_of(typed: str) -> User | None:
    try:
        return User.objects.filter(phone=phones.parse(typed)).first()
    except phones.InvalidPhoneNumber:
        return None
