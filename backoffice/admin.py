"""Payments for staff: found by anything a customer can read out, read as one story."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.decorators import display

from backoffice import audit as audit  # registers its page
from backoffice import customers as customers  # and its own
from backoffice import jobs as jobs
from backoffice import owners as owners
from backoffice import payouts as payouts
from backoffice import reporting as reporting
from backoffice import subscriptions as subscriptions
from backoffice.notes import may_note
from backoffice.payment_verbs import PaymentVerbs
from backoffice.story import Reader, story_of
from cases.models import Case
from common import phone as phones
from common.admin import BusinessDays, Endless, ReadOnly, Sought, newest
from common.exports import Cell, csv_download, may_export, newest_first
from common.shown_phone import may_be_shown, phone_column, shown_phone, shown_text
from payments.admin.attempts import found_attempts
from payments.admin.labels import STATE_LABELS
from payments.models import Disposition, MobileMoneyTransaction, Payment
from payments.selectors import latest_attempt
from payments.states import LIVE, State

WAITED_LONG = timedelta(minutes=10)


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
            waiting = queryset.filter(state__in=LIVE, disposition=Disposition.OPEN)
            return waiting.filter(created_at__lt=since)
        if self.value() == "unfulfilled":
            return queryset.filter(state=State.COMPLETED, disposition=Disposition.OPEN)
        if self.value() == "credited":
            return queryset.filter(state=State.COMPLETED, disposition=Disposition.CREDITED)
        if self.value() == "case":
            subjects = Case.objects.filter(
                state=Case.State.OPEN, subject__startswith="payment:"
            ).values_list("subject", flat=True)
            return queryset.filter(public_id__in=[name.partition(":")[2] for name in subjects])
        return queryset


@admin.register(Payment)
class PaymentAdmin(Endless, Sought, ReadOnly, PaymentVerbs):
    list_display = [
        "started",
        "payer",
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
        ("created_at", BusinessDays),
    ]
    list_filter_submit = True
    list_prefetch = ["payer"]
    list_per_page = 50
    ordering = ["-created_at", "-id"]  # so that days, states and providers are read by an index
    sortable_by = ["started"]
    search_help_text = "Phone in any form, receipt, our reference, provider's id, e-mail"
    change_form_template = "backoffice/payment.html"
    list_before_template = "export_link.html"
    export_page = "admin:payments_payment_export"
    linked_by = ("payer__id__exact",)

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

    def sought(self, term: str) -> Iterator[QuerySet[Any, int]]:
        """Whatever the customer reads out."""
        yield newest(Payment.objects.filter(public_id=term))
        yield newest(Payment.objects.filter(payer__email=term.lower()))
        yield from found_attempts(term, "payment_id")
        with suppress(phones.InvalidPhoneNumber):
            yield newest(Payment.objects.filter(payer__phone=phones.parse(term)))

    @display(description="Started", ordering="created_at")
    def started(self, payment: Payment) -> str:
        return f"{timezone.localtime(payment.created_at):%d.%m.%Y %H:%M:%S}"

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
        payment = self.get_object(request, object_id)
        if payment is None:  # nor may the verbs be asked for what is no key
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return gone
        context = {
            **(extra_context or {}),
            "story": story_of(payment, _reader(request, payment)),
            "phones": _phones(request, payment),
            "may_show": may_be_shown(request, payment.payer_id),
            "may_note": may_note(request),
        }
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    def get_list_display(self, request: HttpRequest) -> list[str | Callable[[Payment], str]]:
        started, payer, *others = self.list_display
        return [started, payer, phone_column(request, _phone), *others]

    def get_urls(self) -> list[URLPattern]:
        export = path(
            "export/", self.admin_site.admin_view(self.export), name="payments_payment_export"
        )
        return [export, *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The payments of the list's filters, as CSV."""
        if not (may_export(request) and self.has_view_permission(request)):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:payments_payment_changelist')}?e=1")
        return csv_download(
            request,
            of=Payment,
            name="payments",
            header=EXPORTED,
            rows=(_exported(payment, request) for payment in newest_first(found)),
            count=found.count(),
        )


def _shown_attempt(payment: Payment) -> MobileMoneyTransaction | None:
    attempts: list[MobileMoneyTransaction] = getattr(payment, "shown_attempts", [])
    return attempts[-1] if attempts else None


def _phone(payment: Payment) -> str:
    attempt = _shown_attempt(payment)
    return attempt.customer_phone if attempt else ""


def _phones(request: HttpRequest, payment: Payment) -> list[str]:
    """The phone that was asked, as this person may read it."""
    attempt = latest_attempt(payment)
    phone = shown_phone(request, attempt.customer_phone, payment.payer_id) if attempt else ""
    return [phone] if phone else []


def _reader(request: HttpRequest, payment: Payment) -> Reader:
    return Reader(
        shown=lambda text: shown_text(request, text, payment.payer_id),
        may_process=request.user.has_perm("payments.change_webhookdelivery"),
    )


EXPORTED = (
    "Started",
    "Payment id",
    "Customer",
    "E-mail",
    "Phone",
    "Paid by",
    "TZS",
    "TZS received",
    "State",
    "Became",
    "Receipt",
    "Our reference",
    "Paid",
)


def _exported(payment: Payment, request: HttpRequest) -> list[Cell]:
    attempt = _shown_attempt(payment)
    return [
        payment.created_at,
        payment.public_id,
        payment.payer.full_name,
        payment.payer.email,
        shown_phone(request, _phone(payment)),
        payment.get_payment_method_display(),
        payment.amount,
        payment.paid_amount,
        payment.get_state_display(),
        payment.get_disposition_display(),
        attempt.provider_transaction_id if attempt else None,
        attempt.reference if attempt else None,
        payment.paid_at,
    ]
