"""Payments for staff: found by anything a customer can read out, read as one story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.admin import person_behind
from backoffice import customers as customers  # registers its page
from backoffice import jobs as jobs  # and its own
from backoffice import payouts as payouts  # and its own
from backoffice import subscriptions as subscriptions  # and its own
from backoffice.story import story_of
from cases.models import Case
from common import phone as phones
from common.admin import ReadOnly
from common.confirmation import Question, ReasonForm, confirm
from payments.admin.labels import STATE_LABELS
from payments.models import Disposition, MobileMoneyTransaction, Payment, Transfer
from payments.selectors import latest_attempt
from payments.services.ask_now import ask_now
from payments.services.query import can_ask_now
from payments.services.refund import refund_payment, refundable
from payments.services.refund_to_credit import creditable, refund_to_credit
from payments.states import LIVE, State

WAITED_LONG = timedelta(minutes=10)


class RefundForm(ReasonForm):
    amount = forms.IntegerField(
        label="Amount, TZS", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    field_order = ["amount", "why", "key"]


class NeedsAttention(admin.SimpleListFilter):
    title = "needs attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "Waiting longer than 10 minutes"),
            ("unfulfilled", "Completed, not fulfilled"),
            ("credited", "Became credit"),
            ("case", "Has an open case"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        if self.value() == "waiting":
            since = timezone.now() - WAITED_LONG
            return queryset.filter(state__in=LIVE, created_at__lt=since)
        if self.value() == "unfulfilled":
            return queryset.filter(state=State.COMPLETED, disposition=Disposition.OPEN)
        if self.value() == "credited":
            return queryset.filter(disposition=Disposition.CREDITED)
        if self.value() == "case":
            subjects = Case.objects.filter(
                state=Case.State.OPEN, subject__startswith="payment:"
            ).values_list("subject", flat=True)
            return queryset.filter(public_id__in=[name.partition(":")[2] for name in subjects])
        return queryset


@admin.register(Payment)
class PaymentAdmin(ReadOnly, ModelAdmin):
    list_display = [
        "started",
        "payer",
        "phone",
        "payment_method",
        "shown_amount",
        "shown_state",
        "receipt",
        "reference",
    ]
    list_display_links = ["started", "payer"]
    list_filter = [
        "state",
        "payment_method",
        NeedsAttention,
        ("created_at", RangeDateFilter),
    ]
    list_filter_submit = True
    list_select_related = ["payer"]
    list_per_page = 50
    ordering = ["-id"]
    search_fields = ["public_id"]
    search_help_text = "Phone in any form, receipt, our reference, provider's id, e-mail"
    change_form_template = "backoffice/payment.html"
    actions_detail = ["ask_the_provider", "refund", "refund_to_credit"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        attempts = MobileMoneyTransaction.objects.only(
            "id",
            "payment_id",
            "customer_phone",
            "reference",
            "provider_transaction_id",
        )
        rows: QuerySet[Payment] = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("attempts", attempts, to_attr="shown_attempts"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str
    ) -> tuple[QuerySet[Payment], bool]:
        """Whatever the customer reads out; each is an exact look-up by an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(public_id=term) | Q(payer__email=term.lower())
        for column in ("reference", "provider_transaction_id", "provider_reference"):
            found |= Q(pk__in=_payments_with(**{column: term}))
        try:
            phone = phones.parse(term)
        except phones.InvalidPhoneNumber:
            pass
        else:
            found |= Q(pk__in=_payments_with(customer_phone=phone)) | Q(payer__phone=phone)
        return queryset.filter(found), False

    @display(description="Started", ordering="created_at")
    def started(self, payment: Payment) -> str:
        return f"{timezone.localtime(payment.created_at):%d.%m.%Y %H:%M:%S}"

    @display(description="Phone")
    def phone(self, payment: Payment) -> str:
        attempt = _shown_attempt(payment)
        return attempt.customer_phone if attempt else ""

    @display(description="TZS", ordering="amount")
    def shown_amount(self, payment: Payment) -> str:
        return f"{payment.amount:,}"

    @display(description="State", ordering="state", label=STATE_LABELS)
    def shown_state(self, payment: Payment) -> str:
        return payment.state

    @display(description="Receipt")
    def receipt(self, payment: Payment) -> str:
        attempt = _shown_attempt(payment)
        return (attempt.provider_transaction_id or "") if attempt else ""

    @display(description="Reference")
    def reference(self, payment: Payment) -> str:
        attempt = _shown_attempt(payment)
        return attempt.reference if attempt else ""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        payment = Payment.objects.select_related("payer").filter(pk=object_id).first()
        context = {**(extra_context or {})}
        if payment is not None:
            context["story"] = story_of(payment)
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    @action(
        description="Ask the provider now",
        url_path="ask-the-provider",
        permissions=["ask_the_provider"],
        icon="contact_support",
    )
    def ask_the_provider(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)
        before = payment.state
        has_answer = ask_now(payment=payment)
        payment.refresh_from_db()
        self.log_change(request, payment, "Asked the provider")
        if not has_answer:
            sentence = "No answer yet: the provider cannot be asked about this now, or is slow."
            self.message_user(request, sentence, messages.WARNING)
        elif payment.state == before:
            self.message_user(request, "The provider was asked; nothing is new.", messages.INFO)
        else:
            sentence = f"The provider was asked: {payment.get_state_display()}."
            self.message_user(request, sentence, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_payment_change", args=[object_id]))

    @action(description="Refund", url_path="refund", permissions=["refund"], icon="undo")
    def refund(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)
        left = refundable(payment)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            transfer = refund_payment(
                payment_id=payment.pk,
                request_key=f"refund:{answers['key']}",
                why=answers["why"],
                amount=answers["amount"],
                by=person_behind(request),
            )
            return payment, _refund_sentence(transfer)

        question = Question(
            title=f"Refund {payment.payer}",
            button="Refund",
            back=reverse("admin:payments_payment_change", args=[payment.pk]),
            sentences=[
                f"{left:,} TZS of this payment can go back, to the phone that paid.",
                "All of it ends what was bought. A large refund waits for a second person.",
            ],
        )
        form = RefundForm(request.POST or None, initial={"amount": left})
        return confirm(self, request, question=question, form=form, act=act)

    @action(
        description="Back to credit",
        url_path="refund-to-credit",
        permissions=["refund_to_credit"],
        icon="undo",
    )
    def refund_to_credit(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            amount = refund_to_credit(payment_id=payment.pk, why=answers["why"])
            return payment, f"{amount:,} TZS are credit again."

        question = Question(
            title=f"Give {payment.payer} the credit back",
            button="Back to credit",
            back=reverse("admin:payments_payment_change", args=[payment.pk]),
            sentences=[
                f"Credit alone has paid for this: {creditable(payment):,} TZS become credit again.",
                "It ends what was bought.",
            ],
        )
        form = ReasonForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def has_refund_to_credit_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for a payment that credit alone has paid, while something of it can go back."""
        return _may_give_back(request, object_id, creditable)

    def has_refund_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for a payment of which something can go back now."""
        return _may_give_back(request, object_id, refundable)

    def has_ask_the_provider_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered to staff who may see payments, for one that can be asked about now."""
        if not request.user.has_perm("payments.view_payment") or object_id is None:
            return False
        payment = Payment.objects.filter(pk=object_id).first()
        attempt = latest_attempt(payment) if payment else None
        return attempt is not None and can_ask_now(attempt, timezone.now())


def _may_give_back(
    request: HttpRequest, object_id: str | int | None, left: Callable[[Payment], int]
) -> bool:
    if not request.user.has_perm("payments.request_transfer") or object_id is None:
        return False
    payment = Payment.objects.filter(pk=object_id, state=State.COMPLETED).first()
    # A page that is sent twice is answered as at first, though nothing is left by then.
    return payment is not None and (request.method == "POST" or left(payment) > 0)


def _refund_sentence(transfer: Transfer) -> str:
    state = transfer.get_state_display().lower()
    return f"Refund {transfer.reference} of {transfer.amount:,} TZS: {state}."


def _payments_with(**columns: str) -> QuerySet[MobileMoneyTransaction, int]:
    return MobileMoneyTransaction.objects.filter(**columns).values_list("payment_id", flat=True)


def _shown_attempt(payment: Payment) -> MobileMoneyTransaction | None:
    attempts: list[MobileMoneyTransaction] = getattr(payment, "shown_attempts", [])
    return attempts[-1] if attempts else None
