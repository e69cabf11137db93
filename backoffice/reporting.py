"""The transactions report as a page of the business days, which know nothing of what was sold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSingleDateWidget

from accounts.admin import person_behind
from backoffice.transactions_report import transactions
from common.clock import business_day
from common.confirmation import Question
from common.exports import csv_pages
from payments.admin.days import DayCloseAdmin
from payments.models import DayClose

# The first and the last day that there are begin or end at no time that there is.
SOLD_AT_ALL = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31))]


class PeriodForm(forms.Form):
    first = forms.DateField(
        label="From", widget=UnfoldAdminSingleDateWidget, validators=SOLD_AT_ALL
    )
    last = forms.DateField(label="To", widget=UnfoldAdminSingleDateWidget, validators=SOLD_AT_ALL)

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = answers.get("first"), answers.get("last")
        if first and last and first > last:
            self.add_error("last", "The last day is before the first.")
        return answers


class ReportingDayCloseAdmin(DayCloseAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.transactions)
        return [
            path("transactions/", view, name="payments_dayclose_transactions"),
            *super().get_urls(),
        ]

    def links(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        if not request.user.has_perm("payments.export_transactions"):
            return []
        return [("Transactions report", reverse("admin:payments_dayclose_transactions"))]

    def transactions(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.has_perm("payments.export_transactions"):
            raise PermissionDenied
        form = PeriodForm(request.POST or None, initial=_last_month())
        if request.method == "POST" and form.is_valid():
            return self._report(request, form.cleaned_data["first"], form.cleaned_data["last"])
        context = {
            **self.admin_site.each_context(request),
            "title": "Transactions report",
            "question": Question(
                title="Transactions report",
                button="Download CSV",
                back=reverse("admin:payments_dayclose_changelist"),
                sentences=["Masked phones, no names. Who takes it, and for when, is recorded."],
            ),
            "form": form,
        }
        return TemplateResponse(request, "confirm.html", context)

    def _report(self, request: HttpRequest, first: date, last: date) -> HttpResponseBase:
        LogEntry.objects.create(
            user_id=person_behind(request).pk,
            content_type=ContentType.objects.get_for_model(DayClose),
            object_repr="Transactions report",
            action_flag=CHANGE,
            change_message=f"Downloaded the transactions from {first} to {last}.",
        )
        lines = csv_pages(transactions(first, last))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="transactions-{first}-{last}.csv"'
        return answer


def _last_month() -> dict[str, date]:
    last = business_day(timezone.now()).replace(day=1) - timedelta(days=1)
    return {"first": last.replace(day=1), "last": last}


admin.site.unregister(DayClose)
admin.site.register(DayClose, ReportingDayCloseAdmin)
