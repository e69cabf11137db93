"""What was done to many cases at once, and its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import action, display

from cases.models import Bulk, CaseEvent
from cases.services.bulk import undo
from common.admin import MaskedPhones, ModelAdmin, ReadOnly
from common.confirmation import Question, ReasonForm, confirm


class EventInline(ReadOnly, TabularInline):
    """Its cases, for whoever may see it; each for the same reason."""

    model = CaseEvent
    fields = ["linked_case", "tzs"]
    readonly_fields = fields
    verbose_name_plural = "cases"
    per_page = 50
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseEvent]:
        events: QuerySet[CaseEvent] = super().get_queryset(request)
        return events.select_related("case")

    def has_view_permission(self, request: HttpRequest, obj: Bulk | None = None) -> bool:
        return True

    @display(description="Case")
    def linked_case(self, event: CaseEvent) -> str:
        page = reverse("admin:cases_case_change", args=[event.case_id])
        return format_html('<a href="{}">{}</a>', page, event.case)

    @display(description="TZS")
    def tzs(self, event: CaseEvent) -> str:
        return f"{event.case.amount:,}"


@admin.register(Bulk)
class BulkAdmin(MaskedPhones, ModelAdmin):
    with_phones = ("why",)
    list_display = ["__str__", "by", "at", "why", "undone_at"]
    list_select_related = ["by"]
    list_filter = ["verb", "at"]
    list_per_page = 50
    fields = ["verb", "cases", "amount", "why", "by", "at", "undone_by", "undone_at"]
    inlines = [EventInline]
    actions_detail = ["undo"]

    @action(description="Undo", url_path="undo", permissions=["undo"], icon="undo")
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        bulk = get_object_or_404(Bulk, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Bulk, str]:
            back, left = undo(bulk_id=bulk.pk, by_id=request.user.pk or 0)
            return bulk, f"{back:,} cases are as they were; {left:,} were touched since and stay."

        question = Question(
            title=f"Undo: {bulk}",
            button="Undo",
            back=reverse("admin:cases_bulk_change", args=[bulk.pk]),
            sentences=["Every case that nobody has touched since is put back as it was."],
        )
        return confirm(
            self, request, question=question, form=ReasonForm(request.POST or None), act=act
        )

    def has_undo_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("cases.work_case") or object_id is None:
            return False
        if request.method == "POST":
            return True
        return Bulk.objects.filter(pk=object_id, undone_at__isnull=True).exists()
